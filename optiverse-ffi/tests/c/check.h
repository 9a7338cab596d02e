// What every C test uses.
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optiverse.h"

// Ends the test, with the place, unless the condition holds.
#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);     \
      exit(1);                                                                    \
    }                                                                             \
  } while (0)

// Ends the test unless the call returns this code, given without its prefix.
#define EXPECT(code, call) expect_code(OPTIVERSE_RESULT_##code, (call), #call, __FILE__, __LINE__)

// A key for a test; a program fills it from the system's source of randomness.
#define KEY(number) (&(const optiverse_replica_key){{number}})

// Ends the test unless the call succeeds.
#define OK(call) EXPECT(OK, call)

static inline void expect_code(uint32_t expected, uint32_t found, const char *call, const char *file, int line) {
  if (found == expected) return;
  optiverse_error error;
  fprintf(stderr, "%s:%d: %s gives %s, expected %s\n", file, line, call, optiverse_result_name(found),
          optiverse_result_name(expected));
  if (optiverse_last_error(&error) == OPTIVERSE_RESULT_OK) fprintf(stderr, "  last error: %s\n", error.message.data);
  exit(1);
}

// Whether a text of the library is this one, with its length and the NUL at its end.
static inline int is_text(optiverse_str text, const char *expected) {
  return text.length == strlen(expected) && memcmp(text.data, expected, text.length + 1) == 0;
}

// Ends the test unless the last error names this item, key and value, and has them in its message.
static inline void expect_error(const char *item, const char *key, const char *value) {
  optiverse_error error;
  OK(optiverse_last_error(&error));
  if (!is_text(error.item, item) || !is_text(error.key, key) || !is_text(error.value, value)) {
    fprintf(stderr, "the error names item \"%s\", key \"%s\", value \"%s\"; expected \"%s\", \"%s\", \"%s\": %s\n",
            error.item.data, error.key.data, error.value.data, item, key, value, error.message.data);
    exit(1);
  }
  CHECK(strlen(error.message.data) == error.message.length && error.message.length > 0);
}

// A scene from text that is known to be good.
static inline optiverse_scene *scene_of(const char *json) {
  optiverse_scene *scene;
  OK(optiverse_scene_parse(json, strlen(json), NULL, &scene));
  return scene;
}

// Ends the test unless the text says this; frees it.
static inline void expect_text(optiverse_text *text, const char *expected) {
  optiverse_str view;
  OK(optiverse_text_view(text, &view));
  if (!is_text(view, expected)) {
    fprintf(stderr, "the text is \"%s\", expected \"%s\"\n", view.data, expected);
    exit(1);
  }
  OK(optiverse_text_free(text));
}

// Ends the test unless the two results are the same, to the last bit; frees them.
static inline void expect_same(optiverse_paths *first, optiverse_paths *second) {
  optiverse_arrays a, b;
  OK(optiverse_paths_arrays(first, &a));
  OK(optiverse_paths_arrays(second, &b));
  CHECK(a.path_count == b.path_count && a.vertex_count == b.vertex_count);
  CHECK(memcmp(a.points, b.points, a.vertex_count * sizeof *a.points) == 0);
  CHECK(memcmp(a.jones, b.jones, a.vertex_count * sizeof *a.jones) == 0);
  CHECK(memcmp(a.hit_items, b.hit_items, a.vertex_count * sizeof *a.hit_items) == 0);
  CHECK(memcmp(a.parents, b.parents, a.path_count * sizeof *a.parents) == 0);
  CHECK(memcmp(a.endings, b.endings, a.path_count) == 0);
  OK(optiverse_paths_free(first));
  OK(optiverse_paths_free(second));
}

// A laser at x = −100 that meets a mirror at 45 degrees in the origin, and a half-silvered one before it.
#define BENCH                                                                                                       \
  "{\"version\": \"2.0\", \"items\": [\n"                                                                           \
  "{\"_type\": \"source\", \"item_uuid\": \"laser\", \"x_mm\": -100.0, \"y_mm\": 0.0, \"n_rays\": 3,"               \
  " \"size_mm\": 2.0},\n"                                                                                           \
  "{\"_type\": \"component\", \"item_uuid\": \"M1\", \"x_mm\": 0.0, \"y_mm\": 0.0, \"angle_deg\": 45.0,"            \
  " \"interfaces\": [{\"element_type\": \"mirror\", \"x1_mm\": 0, \"y1_mm\": 12.7, \"x2_mm\": 0, \"y2_mm\": -12.7}]},\n" \
  "{\"_type\": \"component\", \"item_uuid\": \"BS\", \"x_mm\": -50.0, \"y_mm\": 0.0, \"angle_deg\": 45.0,"          \
  " \"interfaces\": [{\"element_type\": \"beam_splitter\", \"x1_mm\": 0, \"y1_mm\": 9, \"x2_mm\": 0, \"y2_mm\": -9}]}\n" \
  "], \"texts\": [{\"item_uuid\": \"note\", \"text\": \"caf\\u00e9\", \"x\": 1.0, \"y\": 2.0}]}"

#endif
