// Tracers: what an edit changes is what tracing anew gives, bit for bit; and what they refuse.
#include "check.h"

static optiverse_edit *move_of(const char *id, double x, double y) {
  optiverse_edit *edit;
  OK(optiverse_edit_new(&edit));
  OK(optiverse_edit_move(edit, id, x, y));
  return edit;
}

static optiverse_paths *traced(const optiverse_scene *scene) {
  optiverse_system *system;
  optiverse_paths *paths;
  OK(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_LENIENT, &system));
  OK(optiverse_trace(system, NULL, NULL, NULL, NULL, &paths));
  OK(optiverse_system_free(system));
  return paths;
}

// The paths of the tracer's scene, traced anew.
static optiverse_paths *traced_anew(const optiverse_tracer *tracer) {
  optiverse_scene *scene;
  OK(optiverse_tracer_scene(tracer, &scene));
  optiverse_paths *paths = traced(scene);
  OK(optiverse_scene_free(scene));
  return paths;
}

static optiverse_paths *paths_of(const optiverse_tracer *tracer) {
  optiverse_paths *paths;
  OK(optiverse_tracer_paths(tracer, &paths));
  return paths;
}

// Five rays at −10, −5, 0, 5 and 10 mm, and a mirror of ±6 mm that sends three of them back.
#define FIVE                                                                                                           \
  "{\"items\": [{\"_type\": \"source\", \"item_uuid\": \"laser\", \"x_mm\": -100, \"y_mm\": 0, \"n_rays\": 5,"           \
  " \"size_mm\": 20}, {\"_type\": \"component\", \"item_uuid\": \"M1\", \"x_mm\": 0, \"y_mm\": 0, \"interfaces\": ["      \
  "{\"element_type\": \"mirror\", \"x1_mm\": 0, \"y1_mm\": 6, \"x2_mm\": 0, \"y2_mm\": -6}]}]}"

static void follows_edits(void) {
  optiverse_scene *scene = scene_of(FIVE);
  optiverse_tracer *tracer;
  optiverse_update *update;
  optiverse_update_info info;
  optiverse_edit *edit, *inverse;
  optiverse_paths *changed, *all;
  optiverse_arrays a, b;
  OK(optiverse_tracer_new(scene, NULL, NULL, &tracer));
  expect_same(paths_of(tracer), traced_anew(tracer));

  // 8 mm higher it still meets the fourth, and now the fifth: three rays are not what they were.
  edit = move_of("M1", 0.0, 8.0);
  OK(optiverse_tracer_update(tracer, edit, NULL, &update));
  OK(optiverse_update_view(update, &info));
  CHECK(info.is_whole == 0 && info.ray_count == 3 && info.path_count == 3 && info.traced_rays >= 3);
  CHECK(info.rays[0].source == 0 && info.rays[0].ray == 1 && info.rays[1].ray == 2 && info.rays[2].ray == 4);
  expect_same(paths_of(tracer), traced_anew(tracer));

  // The paths of the update stand among all paths where it says.
  OK(optiverse_update_paths(update, &changed));
  all = paths_of(tracer);
  OK(optiverse_paths_arrays(changed, &a));
  OK(optiverse_paths_arrays(all, &b));
  CHECK(a.path_count == info.path_count);
  for (size_t i = 0; i < a.path_count; i++) {
    size_t place = info.indices[i];
    size_t vertices = (size_t)(a.offsets[i + 1] - a.offsets[i]);
    CHECK(place < b.path_count && b.offsets[place + 1] - b.offsets[place] == (int64_t)vertices);
    CHECK(memcmp(a.points + a.offsets[i], b.points + b.offsets[place], vertices * sizeof *a.points) == 0);
  }
  OK(optiverse_paths_free(all));

  // What was given out stays when the tracer goes on, and when it is gone.
  OK(optiverse_update_inverse(update, &inverse));
  OK(optiverse_update_free(update));
  OK(optiverse_tracer_update(tracer, inverse, NULL, NULL));
  expect_same(paths_of(tracer), traced_anew(tracer));
  optiverse_system *system;
  const optiverse_report *report;
  size_t count;
  OK(optiverse_tracer_system(tracer, &system));
  OK(optiverse_system_reports(system, &report, &count));
  CHECK(count == 0);
  OK(optiverse_system_free(system));
  OK(optiverse_tracer_free(tracer));
  CHECK(a.points[0].x == -100.0);
  OK(optiverse_paths_free(changed));
  OK(optiverse_edit_free(inverse));
  OK(optiverse_edit_free(edit));
  OK(optiverse_scene_free(scene));
}

static void takes_another_scene(void) {
  optiverse_scene *five = scene_of(FIVE), *bench = scene_of(BENCH);
  optiverse_tracer *tracer;
  optiverse_update *update = NULL;
  optiverse_update_info info;
  optiverse_edit *edit = move_of("M1", 0.0, 8.0), *inverse = NULL;
  OK(optiverse_tracer_new(five, NULL, NULL, &tracer));

  // Where only a mirror was moved, as many rays are not what they were as after the edit.
  OK(optiverse_scene_apply(five, edit, NULL));
  OK(optiverse_tracer_replace(tracer, five, NULL, &update));
  OK(optiverse_update_view(update, &info));
  CHECK(info.is_whole == 0 && info.ray_count == 3 && info.path_count == 3);
  CHECK(info.rays[0].ray == 1 && info.rays[1].ray == 2 && info.rays[2].ray == 4);
  expect_same(paths_of(tracer), traced(five));
  EXPECT(INVALID_ARGUMENT, optiverse_update_inverse(update, &inverse));
  expect_error("", "update", "without an edit");
  CHECK(inverse == NULL);
  OK(optiverse_update_free(update));

  // The tracer has a copy.
  OK(optiverse_scene_free(five));
  expect_same(paths_of(tracer), traced_anew(tracer));
  // Nothing in common; nobody wants to know.
  OK(optiverse_tracer_replace(tracer, bench, NULL, NULL));
  expect_same(paths_of(tracer), traced(bench));
  OK(optiverse_tracer_replace(tracer, bench, NULL, &update));
  OK(optiverse_update_view(update, &info));
  CHECK(info.is_whole == 0 && info.ray_count == 0 && info.path_count == 0 && info.traced_rays == 0);
  OK(optiverse_update_free(update));
  OK(optiverse_tracer_free(tracer));
  OK(optiverse_edit_free(edit));
  OK(optiverse_scene_free(bench));
}

static void refuses(void) {
  optiverse_scene *scene = scene_of(BENCH), *no_scene;
  optiverse_tracer *tracer = NULL, *old;
  optiverse_update *update = NULL, *old_update;
  optiverse_update_info info;
  optiverse_edit *edit = move_of("none", 0.0, 0.0), *good = move_of("M1", 1.0, 0.0), *no_edit;
  optiverse_control *control;
  optiverse_paths *no_paths;
  optiverse_system *no_system;
  optiverse_trace_options options;
  OK(optiverse_trace_options_init(&options));
  options.min_intensity = -1.0;
  EXPECT(INVALID_OPTION, optiverse_tracer_new(scene, &options, NULL, &tracer));
  OK(optiverse_control_new(&control));
  OK(optiverse_control_cancel(control));
  EXPECT(CANCELLED, optiverse_tracer_new(scene, NULL, control, &tracer));
  EXPECT(NULL_PARAMETER, optiverse_tracer_new(NULL, NULL, NULL, &tracer));
  EXPECT(NULL_PARAMETER, optiverse_tracer_new(scene, NULL, NULL, NULL));
  EXPECT(INVALID_HANDLE, optiverse_tracer_new(scene, NULL, (void *)scene, &tracer));
  CHECK(tracer == NULL);
  OK(optiverse_tracer_new(scene, NULL, NULL, &tracer));
  EXPECT(UNKNOWN_ITEM, optiverse_tracer_update(tracer, edit, NULL, &update));
  EXPECT(CANCELLED, optiverse_tracer_update(tracer, good, control, &update));
  optiverse_scene *other = scene_of(FIVE);
  EXPECT(CANCELLED, optiverse_tracer_replace(tracer, other, control, &update));
  OK(optiverse_scene_free(other));
  CHECK(update == NULL);
  expect_same(paths_of(tracer), traced_anew(tracer));

  OK(optiverse_tracer_update(tracer, good, NULL, &update));
  EXPECT(NULL_PARAMETER, optiverse_tracer_update(NULL, good, NULL, NULL));
  EXPECT(NULL_PARAMETER, optiverse_tracer_update(tracer, NULL, NULL, NULL));
  EXPECT(INVALID_HANDLE, optiverse_tracer_update(tracer, good, (void *)scene, NULL));
  EXPECT(NULL_PARAMETER, optiverse_tracer_replace(NULL, scene, NULL, NULL));
  EXPECT(NULL_PARAMETER, optiverse_tracer_replace(tracer, NULL, NULL, NULL));
  EXPECT(INVALID_HANDLE, optiverse_tracer_replace(tracer, other, NULL, NULL));
  EXPECT(INVALID_HANDLE, optiverse_tracer_replace(tracer, scene, (void *)scene, NULL));
  EXPECT(NULL_PARAMETER, optiverse_tracer_paths(tracer, NULL));
  EXPECT(NULL_PARAMETER, optiverse_tracer_system(tracer, NULL));
  EXPECT(NULL_PARAMETER, optiverse_tracer_scene(tracer, NULL));
  EXPECT(NULL_PARAMETER, optiverse_update_view(update, NULL));
  EXPECT(NULL_PARAMETER, optiverse_update_paths(update, NULL));
  EXPECT(NULL_PARAMETER, optiverse_update_inverse(update, NULL));
  OK(optiverse_tracer_free(tracer));
  OK(optiverse_update_free(update));
  old = tracer;
  old_update = update;
  EXPECT(INVALID_HANDLE, optiverse_tracer_update(old, good, NULL, NULL));
  EXPECT(INVALID_HANDLE, optiverse_tracer_replace(old, scene, NULL, NULL));
  EXPECT(INVALID_HANDLE, optiverse_tracer_paths(old, &no_paths));
  EXPECT(INVALID_HANDLE, optiverse_tracer_system(old, &no_system));
  EXPECT(INVALID_HANDLE, optiverse_tracer_scene(old, &no_scene));
  EXPECT(INVALID_HANDLE, optiverse_tracer_free(old));
  EXPECT(INVALID_HANDLE, optiverse_update_view(old_update, &info));
  EXPECT(INVALID_HANDLE, optiverse_update_paths(old_update, &no_paths));
  EXPECT(INVALID_HANDLE, optiverse_update_inverse(old_update, &no_edit));
  EXPECT(INVALID_HANDLE, optiverse_update_free(old_update));
  OK(optiverse_tracer_free(NULL));
  OK(optiverse_update_free(NULL));
  OK(optiverse_control_free(control));
  OK(optiverse_edit_free(edit));
  OK(optiverse_edit_free(good));
  OK(optiverse_scene_free(scene));
}

int main(void) {
  follows_edits();
  takes_another_scene();
  refuses();
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
