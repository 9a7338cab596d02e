// Scenes: reading, writing, looking at values; every code that can come of it.
#include "check.h"

static void reads_and_writes(const char *folder) {
  char path[4096], missing[4096];
  snprintf(path, sizeof path, "%s/scene.json", folder);
  snprintf(missing, sizeof missing, "%s/none/scene.json", folder);

  optiverse_scene *scene = scene_of(BENCH), *read, *copy;
  OK(optiverse_scene_save(scene, path));
  OK(optiverse_scene_load(path, &read));
  OK(optiverse_scene_copy(read, &copy));
  OK(optiverse_scene_free(read));
  optiverse_text *first, *second;
  optiverse_str text;
  OK(optiverse_scene_to_json(scene, &first));
  OK(optiverse_scene_to_json(copy, &second));
  OK(optiverse_text_view(first, &text));
  expect_text(second, text.data);
  OK(optiverse_text_free(first));

  EXPECT(FILE_NOT_FOUND, optiverse_scene_load(missing, &read));
  optiverse_error error;
  OK(optiverse_last_error(&error));
  CHECK(strstr(error.message.data, missing) != NULL);
  EXPECT(FILE_NOT_FOUND, optiverse_scene_save(scene, missing));
  EXPECT(FILE_ERROR, optiverse_scene_load(folder, &read));
  EXPECT(FILE_ERROR, optiverse_scene_save(scene, folder));

  FILE *file = fopen(path, "wb");
  CHECK(file != NULL && fwrite("{\"a\": \"\xe9\"}", 1, 10, file) == 10 && fclose(file) == 0);
  EXPECT(INVALID_UTF8, optiverse_scene_load(path, &read));
  expect_error("", "position", "7");
  CHECK(remove(path) == 0);
  OK(optiverse_scene_free(scene));
  OK(optiverse_scene_free(copy));
}

static void refuses_text_that_is_no_scene(void) {
  optiverse_scene *scene = NULL;
  EXPECT(JSON_SYNTAX, optiverse_scene_parse("{", 1, NULL, &scene));
  EXPECT(JSON_SYNTAX, optiverse_scene_parse(NULL, 0, NULL, &scene));
  EXPECT(SCENE_FORM, optiverse_scene_parse("[]", 2, NULL, &scene));
  expect_error("", "the document", "a list of 0");
  EXPECT(SCENE_FORM, optiverse_scene_parse("{\"items\": 7}", 12, NULL, &scene));
  expect_error("", "items", "the number 7");
  EXPECT(INVALID_UTF8, optiverse_scene_parse("{\"\xff\"}", 5, NULL, &scene));
  expect_error("", "text", "byte 2");
  EXPECT(NULL_PARAMETER, optiverse_scene_parse(NULL, 2, NULL, &scene));
  EXPECT(INVALID_ARGUMENT, optiverse_scene_parse("{}", SIZE_MAX, NULL, &scene));
  EXPECT(INVALID_ARGUMENT, optiverse_scene_parse("{}", SIZE_MAX / 2 + 1, NULL, &scene));
  EXPECT(NULL_PARAMETER, optiverse_scene_parse("{}", 2, NULL, NULL));
  EXPECT(INVALID_UTF8, optiverse_scene_parse("{}", 2, "\xc3", &scene));
  // An output is written only on success.
  CHECK(scene == NULL);

  // A NUL within a text is a character like others, and no end.
  char deep[400];
  memset(deep, '[', 200);
  memset(deep + 200, ']', 200);
  EXPECT(JSON_SYNTAX, optiverse_scene_parse(deep, sizeof deep, NULL, &scene));
  EXPECT(JSON_SYNTAX, optiverse_scene_parse("{}\0", 3, NULL, &scene));
}

// A group that links to `path`.
#define LINK(path)                                                                                             \
  "{\"items\": [], \"layer_state\": {\"version\": 1, \"nodes\": [{\"uuid\": \"g\", \"type\": \"group\","       \
  " \"children\": [], \"link_metadata\": {\"source_path\": \"" path "\", \"offset_x\": 0, \"offset_y\": 0," \
  " \"rotation_deg\": 0}}]}}"

static void write_file(const char *folder, const char *name, const char *text) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void follows_links(const char *folder) {
  char path[4096];
  optiverse_scene *scene;
  write_file(folder, "circle.json", LINK("circle.json"));
  snprintf(path, sizeof path, "%s/circle.json", folder);
  EXPECT(LINK_CYCLE, optiverse_scene_load(path, &scene));

  static const char *const texts[] = {LINK("l1.json"), LINK("l2.json"), LINK("l3.json"), LINK("l4.json"),
                                      LINK("l5.json"), LINK("l6.json"), BENCH};
  for (int i = 0; i < 7; i++) {
    char name[16];
    snprintf(name, sizeof name, "l%d.json", i);
    write_file(folder, name, texts[i]);
  }
  snprintf(path, sizeof path, "%s/l0.json", folder);
  EXPECT(LINK_LIMIT, optiverse_scene_load(path, &scene));
  snprintf(path, sizeof path, "%s/l1.json", folder);
  OK(optiverse_scene_load(path, &scene));

  optiverse_items *items;
  const optiverse_item *first;
  size_t count;
  OK(optiverse_scene_items(scene, &items));
  OK(optiverse_items_view(items, &first, &count));
  CHECK(count == 4 && first[0].is_linked == 1 && first[0].kind == OPTIVERSE_KIND_SOURCE);
  optiverse_edit *edit;
  OK(optiverse_edit_new(&edit));
  OK(optiverse_edit_move(edit, first[0].id.data, 1.0, 2.0));
  EXPECT(LINKED_ITEM, optiverse_scene_apply(scene, edit, NULL));
  expect_error(first[0].id.data, "", "");
  OK(optiverse_edit_free(edit));
  OK(optiverse_items_free(items));
  OK(optiverse_scene_free(scene));

  // Text without a path reads no file; with one it does.
  const char *link = LINK("l6.json");
  optiverse_text *warnings;
  optiverse_str text;
  OK(optiverse_scene_parse(link, strlen(link), NULL, &scene));
  OK(optiverse_scene_warnings(scene, &warnings));
  OK(optiverse_text_view(warnings, &text));
  CHECK(strstr(text.data, "its items are missing") != NULL && text.data[text.length - 1] == '\n');
  OK(optiverse_text_free(warnings));
  OK(optiverse_scene_free(scene));
  OK(optiverse_scene_parse(link, strlen(link), path, &scene));
  OK(optiverse_scene_warnings(scene, &warnings));
  expect_text(warnings, "");
  OK(optiverse_scene_free(scene));
}

static void tells_what_is_in_it(void) {
  optiverse_scene *scene = scene_of(BENCH);
  optiverse_items *items;
  const optiverse_item *first;
  size_t count;
  OK(optiverse_scene_items(scene, &items));
  OK(optiverse_items_view(items, &first, &count));
  CHECK(count == 4);
  CHECK(is_text(first[0].id, "laser") && first[0].kind == OPTIVERSE_KIND_SOURCE && first[0].is_linked == 0);
  CHECK(is_text(first[1].id, "M1") && first[1].kind == OPTIVERSE_KIND_COMPONENT && first[1].is_hidden == 0);
  CHECK(is_text(first[1].section, "items"));
  CHECK(is_text(first[3].id, "note") && first[3].kind == OPTIVERSE_KIND_TEXT && is_text(first[3].section, "texts"));
  OK(optiverse_items_free(items));

  double number = 7.0;
  OK(optiverse_scene_number(scene, "laser", "x_mm", &number));
  CHECK(number == -100.0);
  EXPECT(UNKNOWN_ITEM, optiverse_scene_number(scene, "none", "x_mm", &number));
  expect_error("none", "", "");
  EXPECT(NO_PROPERTY, optiverse_scene_number(scene, "laser", "none", &number));
  expect_error("laser", "none", "");
  EXPECT(NO_PROPERTY, optiverse_scene_number(scene, "laser", "_type", &number));
  expect_error("laser", "_type", "\"source\"");
  CHECK(number == -100.0);

  optiverse_text *text;
  OK(optiverse_scene_property(scene, "laser", "size_mm", &text));
  expect_text(text, "2.0");
  OK(optiverse_scene_property(scene, NULL, "version", &text));
  expect_text(text, "\"2.0\"");
  EXPECT(NO_PROPERTY, optiverse_scene_property(scene, NULL, "none", &text));
  EXPECT(NO_PROPERTY, optiverse_scene_property(scene, NULL, "items", &text));
  OK(optiverse_scene_item(scene, "note", &text));
  expect_text(text, "{\n  \"item_uuid\": \"note\",\n  \"text\": \"caf\\u00e9\",\n  \"x\": 1.0,\n  \"y\": 2.0\n}");
  EXPECT(UNKNOWN_ITEM, optiverse_scene_item(scene, "", &text));
  OK(optiverse_scene_free(scene));

  OK(optiverse_scene_new(&scene));
  OK(optiverse_scene_items(scene, &items));
  OK(optiverse_items_view(items, &first, &count));
  CHECK(count == 0 && first != NULL);
  OK(optiverse_items_free(items));
  OK(optiverse_scene_free(scene));
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  reads_and_writes(argv[1]);
  refuses_text_that_is_no_scene();
  follows_links(argv[1]);
  tells_what_is_in_it();
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
