// Edits: each kind, its inverse, and every reason to refuse one.
#include "check.h"

static optiverse_edit *edit;

static void kinds_and_inverses(void) {
  optiverse_scene *scene = scene_of(BENCH);
  optiverse_text *before, *json;
  optiverse_str text;
  optiverse_edit *inverse;
  double number;
  OK(optiverse_scene_to_json(scene, &before));
  OK(optiverse_text_view(before, &text));

  OK(optiverse_edit_move(edit, "M1", 5.0, 0.5));
  OK(optiverse_edit_set_number(edit, "laser", "wavelength_nm", 532.0));
  OK(optiverse_edit_set_text(edit, "laser", "name", "green \"one\""));
  OK(optiverse_edit_set_json(edit, "laser", "tags", "[1.50e2, null]"));
  OK(optiverse_edit_unset(edit, "laser", "size_mm"));
  OK(optiverse_edit_unset(edit, "laser", "not there"));
  OK(optiverse_edit_set_json(edit, NULL, "title", "\"bench\""));
  OK(optiverse_edit_add(edit, "texts", "{\"item_uuid\": \"new\", \"text\": \"\"}", 0));
  OK(optiverse_edit_add(edit, "texts", "{\"item_uuid\": \"last\", \"text\": \"\"}", OPTIVERSE_AT_END));
  OK(optiverse_edit_remove(edit, "BS"));
  OK(optiverse_scene_apply(scene, edit, &inverse));

  OK(optiverse_scene_number(scene, "M1", "x_mm", &number));
  CHECK(number == 5.0);
  OK(optiverse_scene_number(scene, "laser", "wavelength_nm", &number));
  CHECK(number == 532.0);
  OK(optiverse_scene_property(scene, "laser", "name", &json));
  expect_text(json, "\"green \\\"one\\\"\"");
  OK(optiverse_scene_property(scene, "laser", "tags", &json));
  expect_text(json, "[\n  1.50e2,\n  null\n]");
  OK(optiverse_scene_property(scene, NULL, "title", &json));
  expect_text(json, "\"bench\"");
  EXPECT(NO_PROPERTY, optiverse_scene_property(scene, "laser", "size_mm", &json));
  EXPECT(UNKNOWN_ITEM, optiverse_scene_item(scene, "BS", &json));
  optiverse_items *items;
  const optiverse_item *first;
  size_t count;
  OK(optiverse_scene_items(scene, &items));
  OK(optiverse_items_view(items, &first, &count));
  CHECK(count == 5 && is_text(first[2].id, "new") && is_text(first[3].id, "note") && is_text(first[4].id, "last"));
  OK(optiverse_items_free(items));

  // To the byte, and the inverse is an edit like any other.
  OK(optiverse_edit_set_number(inverse, "laser", "n_rays", 3));
  OK(optiverse_scene_apply(scene, inverse, NULL));
  OK(optiverse_edit_clear(inverse));
  OK(optiverse_edit_set_json(inverse, "laser", "n_rays", "3"));
  OK(optiverse_scene_apply(scene, inverse, NULL));
  OK(optiverse_edit_free(inverse));
  OK(optiverse_scene_to_json(scene, &json));
  expect_text(json, text.data);
  OK(optiverse_text_free(before));
  OK(optiverse_scene_free(scene));
  OK(optiverse_edit_clear(edit));
}

// Applies the one change in `edit`, which is refused with the code, and leaves the scene as it was.
#define REFUSED(code, scene)                                                  \
  do {                                                                        \
    optiverse_edit *inverse = NULL;                                           \
    optiverse_text *before, *after;                                           \
    optiverse_str text;                                                       \
    OK(optiverse_scene_to_json(scene, &before));                              \
    OK(optiverse_text_view(before, &text));                                   \
    EXPECT(code, optiverse_scene_apply(scene, edit, &inverse));               \
    CHECK(inverse == NULL);                                                   \
    OK(optiverse_scene_to_json(scene, &after));                               \
    expect_text(after, text.data);                                            \
    OK(optiverse_text_free(before));                                          \
    OK(optiverse_edit_clear(edit));                                           \
  } while (0)

static void what_the_scene_refuses(void) {
  optiverse_scene *scene = scene_of(BENCH);
  OK(optiverse_edit_move(edit, "none", 0.0, 0.0));
  REFUSED(UNKNOWN_ITEM, scene);
  expect_error("none", "", "");

  OK(optiverse_edit_set_number(edit, "laser", "x_mm", 1.0));
  OK(optiverse_edit_add(edit, "items", "{\"item_uuid\": \"M1\"}", OPTIVERSE_AT_END));
  REFUSED(REPEATED_ID, scene);
  expect_error("M1", "", "");

  OK(optiverse_edit_set_text(edit, "M1", "item_uuid", "M2"));
  REFUSED(FIXED_KEY, scene);
  expect_error("M1", "item_uuid", "");

  OK(optiverse_edit_set_json(edit, NULL, "items", "[]"));
  REFUSED(FIXED_KEY, scene);
  expect_error("", "items", "");

  OK(optiverse_edit_add(edit, "texts", "{\"item_uuid\": \"t\"}", 2));
  REFUSED(POSITION, scene);
  expect_error("t", "position", "2");

  OK(optiverse_edit_add(edit, "path_measures", "{\"item_uuid\": \"measure\"}", OPTIVERSE_AT_END));
  OK(optiverse_edit_move(edit, "measure", 0.0, 0.0));
  REFUSED(NOT_MOVABLE, scene);
  expect_error("measure", "", "");

  OK(optiverse_edit_add(edit, "rulers", "{\"item_uuid\": \"ruler\", \"points\": 7}", 0));
  OK(optiverse_edit_move(edit, "ruler", 0.0, 0.0));
  REFUSED(NOT_MOVABLE, scene);
  expect_error("ruler", "points", "the number 7");

  char deep[252 + 1] = {0};
  memset(deep, '[', 126);
  memset(deep + 126, ']', 126);
  OK(optiverse_edit_set_json(edit, "M1", "deep", deep));
  REFUSED(NESTING, scene);
  expect_error("", "deep", "");
  OK(optiverse_scene_free(scene));
}

static void what_is_refused_at_once(void) {
  EXPECT(JSON_SYNTAX, optiverse_edit_set_json(edit, "M1", "a", "{"));
  EXPECT(JSON_SYNTAX, optiverse_edit_set_json(edit, "M1", "a", ""));
  EXPECT(JSON_SYNTAX, optiverse_edit_add(edit, "items", "nothing", 0));
  EXPECT(SCENE_FORM, optiverse_edit_add(edit, "items", "[]", 0));
  EXPECT(ITEM_ID, optiverse_edit_add(edit, "items", "{}", 0));
  expect_error("", "item_uuid", "");
  EXPECT(ITEM_ID, optiverse_edit_add(edit, "components", "{\"id\": 7}", 0));
  expect_error("", "id", "the number 7");
  EXPECT(INVALID_ARGUMENT, optiverse_edit_add(edit, "lamps", "{\"item_uuid\": \"a\"}", 0));
  expect_error("", "section", "\"lamps\"");
  EXPECT(INVALID_UTF8, optiverse_edit_set_text(edit, "M1", "name", "\xff"));
  EXPECT(INVALID_UTF8, optiverse_edit_set_text(edit, "M1", "\xff", "name"));
  EXPECT(INVALID_UTF8, optiverse_edit_set_text(edit, "\xff", "name", "name"));
  EXPECT(INVALID_UTF8, optiverse_edit_remove(edit, "\xff"));

  // None of them has left anything in the edit.
  optiverse_scene *scene = scene_of("{}");
  OK(optiverse_scene_apply(scene, edit, NULL));
  optiverse_text *json;
  OK(optiverse_scene_to_json(scene, &json));
  expect_text(json, "{}");
  OK(optiverse_scene_free(scene));
}

int main(void) {
  OK(optiverse_edit_new(&edit));
  kinds_and_inverses();
  what_the_scene_refuses();
  what_is_refused_at_once();
  OK(optiverse_edit_free(edit));
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
