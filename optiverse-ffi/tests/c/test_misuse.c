// Every function with null pointers, with handles that were freed, made up or of another type, and in the wrong order.
#include "check.h"

// Addresses no handle has. Never followed.
#define MADE_UP ((void *)(uintptr_t)0x1234)

static const char *const ID = "M1";

// One object of each type.
static optiverse_scene *scene;
static optiverse_items *items;
static optiverse_edit *edit;
static optiverse_system *system_;
static optiverse_control *control;
static optiverse_paths *paths;
static optiverse_text *text;

static void make_one_of_each(void) {
  scene = scene_of(BENCH);
  OK(optiverse_scene_items(scene, &items));
  OK(optiverse_edit_new(&edit));
  OK(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_STRICT, &system_));
  OK(optiverse_control_new(&control));
  OK(optiverse_trace(system_, NULL, NULL, NULL, NULL, &paths));
  OK(optiverse_scene_to_json(scene, &text));
}

static void free_one_of_each(void) {
  OK(optiverse_text_free(text));
  OK(optiverse_paths_free(paths));
  OK(optiverse_control_free(control));
  OK(optiverse_system_free(system_));
  OK(optiverse_edit_free(edit));
  OK(optiverse_items_free(items));
  OK(optiverse_scene_free(scene));
}

static void outputs_that_are_null(void) {
  const optiverse_item *item;
  const optiverse_report *report;
  const optiverse_str *str;
  size_t count;
  uint64_t rays;
  optiverse_power_balance power;
  uint8_t flag;
  EXPECT(NULL_PARAMETER, optiverse_last_error(NULL));
  EXPECT(NULL_PARAMETER, optiverse_text_view(text, NULL));
  expect_error("", "view", "");
  EXPECT(NULL_PARAMETER, optiverse_scene_new(NULL));
  EXPECT(NULL_PARAMETER, optiverse_scene_parse("{}", 2, NULL, NULL));
  EXPECT(NULL_PARAMETER, optiverse_scene_load("a", NULL));
  EXPECT(NULL_PARAMETER, optiverse_scene_to_json(scene, NULL));
  EXPECT(NULL_PARAMETER, optiverse_scene_copy(scene, NULL));
  EXPECT(NULL_PARAMETER, optiverse_scene_warnings(scene, NULL));
  EXPECT(NULL_PARAMETER, optiverse_scene_item(scene, ID, NULL));
  EXPECT(NULL_PARAMETER, optiverse_scene_property(scene, ID, "x_mm", NULL));
  EXPECT(NULL_PARAMETER, optiverse_scene_number(scene, ID, "x_mm", NULL));
  EXPECT(NULL_PARAMETER, optiverse_scene_items(scene, NULL));
  EXPECT(NULL_PARAMETER, optiverse_items_view(items, NULL, &count));
  EXPECT(NULL_PARAMETER, optiverse_items_view(items, &item, NULL));
  EXPECT(NULL_PARAMETER, optiverse_edit_new(NULL));
  EXPECT(NULL_PARAMETER, optiverse_system_new(scene, 0, NULL));
  EXPECT(NULL_PARAMETER, optiverse_system_reports(system_, NULL, &count));
  EXPECT(NULL_PARAMETER, optiverse_system_reports(system_, &report, NULL));
  EXPECT(NULL_PARAMETER, optiverse_trace_options_init(NULL));
  EXPECT(NULL_PARAMETER, optiverse_physics_init(NULL, 0));
  EXPECT(NULL_PARAMETER, optiverse_control_new(NULL));
  EXPECT(NULL_PARAMETER, optiverse_control_progress(control, NULL, &rays));
  EXPECT(NULL_PARAMETER, optiverse_control_progress(control, &rays, NULL));
  EXPECT(NULL_PARAMETER, optiverse_trace(system_, NULL, NULL, NULL, NULL, NULL));
  EXPECT(NULL_PARAMETER, optiverse_paths_arrays(paths, NULL));
  EXPECT(NULL_PARAMETER, optiverse_paths_items(paths, NULL, &count));
  EXPECT(NULL_PARAMETER, optiverse_paths_items(paths, &str, NULL));
  EXPECT(NULL_PARAMETER, optiverse_paths_sources(paths, NULL, &count));
  EXPECT(NULL_PARAMETER, optiverse_paths_sources(paths, &str, NULL));
  EXPECT(NULL_PARAMETER, optiverse_paths_power(paths, NULL, &flag));
  EXPECT(NULL_PARAMETER, optiverse_paths_power(paths, &power, NULL));
  EXPECT(NULL_PARAMETER, optiverse_svg_options_init(NULL));
  EXPECT(NULL_PARAMETER, optiverse_svg(system_, NULL, NULL, NULL));
  EXPECT(NULL_PARAMETER, optiverse_csv(paths, NULL));
}

static void texts_that_are_null(void) {
  optiverse_scene *made;
  optiverse_text *json;
  double number;
  EXPECT(NULL_PARAMETER, optiverse_scene_load(NULL, &made));
  EXPECT(NULL_PARAMETER, optiverse_scene_save(scene, NULL));
  expect_error("", "path", "");
  EXPECT(NULL_PARAMETER, optiverse_scene_item(scene, NULL, &json));
  EXPECT(NULL_PARAMETER, optiverse_scene_property(scene, ID, NULL, &json));
  EXPECT(NULL_PARAMETER, optiverse_scene_number(scene, NULL, "x_mm", &number));
  EXPECT(NULL_PARAMETER, optiverse_scene_number(scene, ID, NULL, &number));
  EXPECT(NULL_PARAMETER, optiverse_edit_move(edit, NULL, 0.0, 0.0));
  EXPECT(NULL_PARAMETER, optiverse_edit_set_number(edit, ID, NULL, 0.0));
  EXPECT(NULL_PARAMETER, optiverse_edit_set_text(edit, ID, NULL, ""));
  EXPECT(NULL_PARAMETER, optiverse_edit_set_text(edit, ID, "a", NULL));
  EXPECT(NULL_PARAMETER, optiverse_edit_set_json(edit, ID, NULL, "1"));
  EXPECT(NULL_PARAMETER, optiverse_edit_set_json(edit, ID, "a", NULL));
  EXPECT(NULL_PARAMETER, optiverse_edit_unset(edit, ID, NULL));
  EXPECT(NULL_PARAMETER, optiverse_edit_add(edit, NULL, "{}", 0));
  EXPECT(NULL_PARAMETER, optiverse_edit_add(edit, "items", NULL, 0));
  EXPECT(NULL_PARAMETER, optiverse_edit_remove(edit, NULL));
  EXPECT(INVALID_UTF8, optiverse_scene_load("\xff", &made));
  EXPECT(INVALID_UTF8, optiverse_scene_save(scene, "\xff"));
  EXPECT(INVALID_UTF8, optiverse_scene_item(scene, "\xff", &json));
  EXPECT(INVALID_UTF8, optiverse_scene_property(scene, "\xff", "a", &json));
  EXPECT(INVALID_UTF8, optiverse_scene_property(scene, ID, "\xff", &json));
  EXPECT(INVALID_UTF8, optiverse_scene_number(scene, ID, "\xff", &number));
  EXPECT(INVALID_UTF8, optiverse_edit_add(edit, "\xff", "{}", 0));
  EXPECT(INVALID_UTF8, optiverse_edit_add(edit, "items", "\xff", 0));
  EXPECT(INVALID_UTF8, optiverse_edit_set_json(edit, ID, "a", "\xff"));
}

// Each function with these handles, of which each is refused with the same code.
#define EACH_REFUSES(code, scene, items, edit, system_, control, paths, text)                        \
  do {                                                                                               \
    optiverse_scene *made_scene;                                                                     \
    optiverse_text *made;                                                                            \
    optiverse_items *list;                                                                           \
    optiverse_system *compiled;                                                                      \
    optiverse_paths *traced;                                                                         \
    optiverse_str view;                                                                              \
    optiverse_arrays arrays;                                                                         \
    optiverse_power_balance power;                                                                   \
    const optiverse_item *item;                                                                      \
    const optiverse_report *report;                                                                  \
    const optiverse_str *str;                                                                        \
    size_t count;                                                                                    \
    uint64_t rays;                                                                                   \
    uint8_t flag;                                                                                    \
    double number;                                                                                   \
    EXPECT(code, optiverse_text_view(text, &view));                                                  \
    EXPECT(code, optiverse_scene_save(scene, "a"));                                                  \
    EXPECT(code, optiverse_scene_to_json(scene, &made));                                             \
    EXPECT(code, optiverse_scene_copy(scene, &made_scene));                                          \
    EXPECT(code, optiverse_scene_warnings(scene, &made));                                            \
    EXPECT(code, optiverse_scene_apply(scene, good_edit, NULL));                                     \
    EXPECT(code, optiverse_scene_apply(good_scene, edit, NULL));                                     \
    EXPECT(code, optiverse_scene_item(scene, ID, &made));                                            \
    EXPECT(code, optiverse_scene_property(scene, ID, "x_mm", &made));                                \
    EXPECT(code, optiverse_scene_number(scene, ID, "x_mm", &number));                                \
    EXPECT(code, optiverse_scene_items(scene, &list));                                               \
    EXPECT(code, optiverse_items_view(items, &item, &count));                                        \
    EXPECT(code, optiverse_edit_clear(edit));                                                        \
    EXPECT(code, optiverse_edit_move(edit, ID, 0.0, 0.0));                                           \
    EXPECT(code, optiverse_edit_set_number(edit, ID, "a", 0.0));                                     \
    EXPECT(code, optiverse_edit_set_text(edit, ID, "a", "b"));                                       \
    EXPECT(code, optiverse_edit_set_json(edit, ID, "a", "1"));                                       \
    EXPECT(code, optiverse_edit_unset(edit, ID, "a"));                                               \
    EXPECT(code, optiverse_edit_add(edit, "items", "{\"item_uuid\": \"a\"}", 0));                    \
    EXPECT(code, optiverse_edit_remove(edit, ID));                                                   \
    EXPECT(code, optiverse_system_new(scene, 0, &compiled));                                         \
    EXPECT(code, optiverse_system_reports(system_, &report, &count));                                \
    EXPECT(code, optiverse_control_cancel(control));                                                 \
    EXPECT(code, optiverse_control_progress(control, &rays, &rays));                                 \
    EXPECT(code, optiverse_trace(system_, NULL, NULL, NULL, NULL, &traced));                         \
    EXPECT(code, optiverse_paths_arrays(paths, &arrays));                                            \
    EXPECT(code, optiverse_paths_items(paths, &str, &count));                                        \
    EXPECT(code, optiverse_paths_sources(paths, &str, &count));                                      \
    EXPECT(code, optiverse_paths_power(paths, &power, &flag));                                       \
    EXPECT(code, optiverse_svg(system_, NULL, NULL, &made));                                         \
    EXPECT(code, optiverse_csv(paths, &made));                                                       \
  } while (0)

// Freeing these is refused.
#define EACH_FREE_REFUSES(scene, items, edit, system_, control, paths, text) \
  do {                                                                       \
    EXPECT(INVALID_HANDLE, optiverse_text_free(text));                       \
    EXPECT(INVALID_HANDLE, optiverse_paths_free(paths));                     \
    EXPECT(INVALID_HANDLE, optiverse_control_free(control));                 \
    EXPECT(INVALID_HANDLE, optiverse_system_free(system_));                  \
    EXPECT(INVALID_HANDLE, optiverse_edit_free(edit));                       \
    EXPECT(INVALID_HANDLE, optiverse_items_free(items));                     \
    EXPECT(INVALID_HANDLE, optiverse_scene_free(scene));                     \
  } while (0)

static void handles_that_are_none(void) {
  optiverse_scene *good_scene = scene_of("{}");
  optiverse_edit *good_edit;
  optiverse_text *no_text;
  optiverse_paths *no_paths;
  OK(optiverse_edit_new(&good_edit));

  EACH_REFUSES(NULL_PARAMETER, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  EACH_REFUSES(INVALID_HANDLE, MADE_UP, MADE_UP, MADE_UP, MADE_UP, MADE_UP, MADE_UP, MADE_UP);
  EACH_FREE_REFUSES(MADE_UP, MADE_UP, MADE_UP, MADE_UP, MADE_UP, MADE_UP, MADE_UP);
  // Of another type.
  EACH_REFUSES(INVALID_HANDLE, (void *)text, (void *)scene, (void *)items, (void *)edit, (void *)system_,
               (void *)control, (void *)paths);
  EACH_FREE_REFUSES((void *)text, (void *)scene, (void *)items, (void *)edit, (void *)system_, (void *)control,
                    (void *)paths);
  EXPECT(INVALID_HANDLE, optiverse_trace(system_, NULL, MADE_UP, NULL, NULL, &no_paths));
  EXPECT(INVALID_HANDLE, optiverse_svg(system_, MADE_UP, NULL, &no_text));

  // Freed: each use of the old handle is refused, and so is freeing it again, also after others were made.
  free_one_of_each();
  optiverse_scene *old_scene = scene;
  optiverse_items *old_items = items;
  optiverse_edit *old_edit = edit;
  optiverse_system *old_system = system_;
  optiverse_control *old_control = control;
  optiverse_paths *old_paths = paths;
  optiverse_text *old_text = text;
  EACH_REFUSES(INVALID_HANDLE, old_scene, old_items, old_edit, old_system, old_control, old_paths, old_text);
  make_one_of_each();
  EACH_REFUSES(INVALID_HANDLE, old_scene, old_items, old_edit, old_system, old_control, old_paths, old_text);
  EACH_FREE_REFUSES(old_scene, old_items, old_edit, old_system, old_control, old_paths, old_text);
  optiverse_error error;
  OK(optiverse_last_error(&error));
  CHECK(error.code == OPTIVERSE_RESULT_INVALID_HANDLE && strstr(error.message.data, "was it freed?") != NULL);

  // As with `free`, null is none.
  OK(optiverse_text_free(NULL));
  OK(optiverse_paths_free(NULL));
  OK(optiverse_control_free(NULL));
  OK(optiverse_system_free(NULL));
  OK(optiverse_edit_free(NULL));
  OK(optiverse_items_free(NULL));
  OK(optiverse_scene_free(NULL));
  OK(optiverse_edit_free(good_edit));
  OK(optiverse_scene_free(good_scene));
}

static void pointers_that_are_not_aligned(void) {
  // Room for any of the structures, and one byte more.
  static union {
    char bytes[512];
    double number;
  } room;
  EXPECT(INVALID_ARGUMENT, optiverse_scene_new((optiverse_scene **)(void *)(room.bytes + 1)));
  EXPECT(INVALID_ARGUMENT, optiverse_paths_arrays(paths, (optiverse_arrays *)(void *)(room.bytes + 1)));
  EXPECT(INVALID_ARGUMENT, optiverse_trace_options_init((optiverse_trace_options *)(void *)(room.bytes + 4)));
  optiverse_paths *traced;
  EXPECT(INVALID_ARGUMENT, optiverse_trace(system_, (optiverse_trace_options *)(void *)(room.bytes + 1), NULL, NULL,
                                           NULL, &traced));
}

static void what_is_looked_at_outlives_where_it_came_from(void) {
  // A result does not need its system, nor a system its scene.
  OK(optiverse_scene_free(scene));
  scene = NULL;
  optiverse_paths *traced;
  OK(optiverse_trace(system_, NULL, NULL, NULL, NULL, &traced));
  OK(optiverse_system_free(system_));
  system_ = NULL;
  optiverse_arrays arrays;
  OK(optiverse_paths_arrays(traced, &arrays));
  CHECK(arrays.points[0].x == -100.0);
  OK(optiverse_paths_free(traced));
}

static void names_and_versions(void) {
  CHECK(strcmp(optiverse_version(), OPTIVERSE_VERSION) == 0);
  char numbers[64];
  snprintf(numbers, sizeof numbers, "%d.%d.%d", OPTIVERSE_VERSION_MAJOR, OPTIVERSE_VERSION_MINOR,
           OPTIVERSE_VERSION_PATCH);
  CHECK(strcmp(numbers, OPTIVERSE_VERSION) == 0);
  CHECK((optiverse_features() & OPTIVERSE_FEATURE_PARALLEL) != 0);
  CHECK(strcmp(optiverse_result_name(OPTIVERSE_RESULT_CANCELLED), "OPTIVERSE_RESULT_CANCELLED") == 0);
  CHECK(strcmp(optiverse_result_name(UINT32_MAX), "unknown") == 0);
}

int main(void) {
  // Before anything has failed there is nothing to tell.
  optiverse_error error;
  OK(optiverse_last_error(&error));
  CHECK(error.code == OPTIVERSE_RESULT_OK && is_text(error.message, "") && is_text(error.item, ""));
  names_and_versions();
  make_one_of_each();
  outputs_that_are_null();
  texts_that_are_null();
  handles_that_are_none();
  pointers_that_are_not_aligned();
  what_is_looked_at_outlives_where_it_came_from();
  free_one_of_each();
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
