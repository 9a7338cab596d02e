// Compiling, tracing, results, pictures; options and what they refuse.
#include <math.h>

#include "check.h"

static optiverse_system *system_of(const char *json) {
  optiverse_scene *scene = scene_of(json);
  optiverse_system *system;
  OK(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_STRICT, &system));
  OK(optiverse_scene_free(scene));
  return system;
}

static void compiles(void) {
  optiverse_scene *scene = scene_of(
      "{\"items\": [{\"_type\": \"source\", \"item_uuid\": \"laser\"}, {\"_type\": \"component\", \"item_uuid\": \"L\","
      " \"name\": \"lens\", \"interfaces\": [{\"element_type\": \"lens\", \"x1_mm\": 0, \"y1_mm\": 5, \"x2_mm\": 0,"
      " \"y2_mm\": -5, \"efl_mm\": 0}]}]}");
  optiverse_system *system = NULL;
  EXPECT(SCENE_REFUSED, optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_STRICT, &system));
  expect_error("L", "interfaces[0].efl_mm", "0");
  EXPECT(INVALID_ARGUMENT, optiverse_system_new(scene, 2, &system));
  expect_error("", "mode", "2");
  CHECK(system == NULL);
  OK(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_LENIENT, &system));
  OK(optiverse_scene_free(scene));
  const optiverse_report *reports;
  size_t count;
  OK(optiverse_system_reports(system, &reports, &count));
  CHECK(count == 1 && reports->severity == OPTIVERSE_REPORT_SEVERITY_ERROR);
  CHECK(is_text(reports->item, "L") && is_text(reports->name, "lens") && is_text(reports->value, "0"));
  CHECK(is_text(reports->key, "interfaces[0].efl_mm") && reports->expected.length > 0);
  CHECK(strstr(reports->message.data, "efl_mm") != NULL);
  OK(optiverse_system_free(system));
}

static void arrays_tell_the_way_of_light(void) {
  optiverse_system *system = system_of(BENCH);
  optiverse_paths *paths;
  optiverse_arrays a;
  OK(optiverse_trace(system, NULL, NULL, NULL, NULL, &paths));
  OK(optiverse_system_free(system));
  OK(optiverse_paths_arrays(paths, &a));
  CHECK(a.path_count == 6 && a.offsets[0] == 0 && a.offsets[6] == (int64_t)a.vertex_count);
  const optiverse_str *items, *sources;
  size_t item_count, source_count;
  OK(optiverse_paths_items(paths, &items, &item_count));
  OK(optiverse_paths_sources(paths, &sources, &source_count));
  CHECK(item_count == 2 && is_text(items[0], "M1") && is_text(items[1], "BS"));
  CHECK(source_count == 1 && is_text(sources[0], "laser"));

  double sum = 0.0;
  for (size_t i = 0; i < a.path_count; i++) {
    int64_t first = a.offsets[i], last = a.offsets[i + 1] - 1;
    CHECK(a.points[first].x == -100.0 && a.intensities[first] == 1.0 && a.hit_items[first] == -1);
    CHECK(a.hit_items[first + 1] == 1 && a.hit_interfaces[first + 1] == 0);
    CHECK(isnan(a.beam_radii_mm[first]) && a.optical_paths_mm[first] == 0.0);
    CHECK(a.wavelengths_nm[i] == 633.0 && a.source_indices[i] == 0 && a.ray_indices[i] == (int64_t)(i / 2));
    CHECK(a.rgba[i].red == 0xdc && a.endings[i] == OPTIVERSE_ENDING_LEFT);
    // The reflected half stands before the way it divided from.
    CHECK(i % 2 == 1 ? a.parents[i] == -1 : a.parents[i] == (int64_t)i + 1 && a.branch_vertices[i] == 1);
    const optiverse_jones *end = &a.jones[last];
    double norm = end->h_re * end->h_re + end->h_im * end->h_im + end->v_re * end->v_re + end->v_im * end->v_im;
    CHECK(fabs(norm - 1.0) < 1e-12);
    sum += a.intensities[last];
  }
  CHECK(fabs(sum - 3.0) < 1e-12);

  optiverse_power_balance power;
  uint8_t is_truncated = 7;
  OK(optiverse_paths_power(paths, &power, &is_truncated));
  CHECK(power.emitted == 3.0 && fabs(power.left - 3.0) < 1e-12 && power.absorbed == 0.0 && is_truncated == 0);

  // The same memory each time, and the same ids.
  optiverse_arrays again;
  const optiverse_str *items_again;
  OK(optiverse_paths_arrays(paths, &again));
  OK(optiverse_paths_items(paths, &items_again, &item_count));
  CHECK(again.points == a.points && again.endings == a.endings && items_again == items);
  OK(optiverse_paths_free(paths));

  // Nothing to trace is no error, and no pointer is null.
  system = system_of("{}");
  OK(optiverse_trace(system, NULL, NULL, NULL, NULL, &paths));
  OK(optiverse_paths_arrays(paths, &a));
  CHECK(a.path_count == 0 && a.vertex_count == 0 && a.points != NULL && a.offsets != NULL && a.endings != NULL);
  OK(optiverse_paths_items(paths, &items, &item_count));
  CHECK(item_count == 0 && items != NULL);
  OK(optiverse_paths_free(paths));
  OK(optiverse_system_free(system));
}

static void options(void) {
  optiverse_system *system = system_of(BENCH);
  optiverse_paths *paths = NULL;
  optiverse_trace_options options;
  optiverse_arrays arrays;
  optiverse_power_balance power;
  uint8_t is_truncated;

  memset(&options, 0, sizeof options);
  EXPECT(INVALID_OPTION, optiverse_trace(system, &options, NULL, NULL, NULL, &paths));
  expect_error("", "size", "0");

  OK(optiverse_trace_options_init(&options));
  CHECK(options.size == sizeof options && options.max_events == 80 && options.min_intensity == 0.02);
  CHECK(options.max_vertices == 10000000 && options.threads == 0 && options.length_mm == 0.0);
  options.min_intensity = -1.0;
  EXPECT(INVALID_OPTION, optiverse_trace(system, &options, NULL, NULL, NULL, &paths));
  expect_error("", "min_intensity", "-1");
  options.min_intensity = NAN;
  EXPECT(INVALID_OPTION, optiverse_trace(system, &options, NULL, NULL, NULL, &paths));

  OK(optiverse_trace_options_init(&options));
  options.length_mm = 1e9;
  OK(optiverse_trace(system, &options, NULL, NULL, NULL, &paths));
  OK(optiverse_paths_free(paths));
  options.length_mm = nextafter(1e9, INFINITY);
  EXPECT(INVALID_OPTION, optiverse_trace(system, &options, NULL, NULL, NULL, &paths));
  options.length_mm = -1.0;
  EXPECT(INVALID_OPTION, optiverse_trace(system, &options, NULL, NULL, NULL, &paths));

  OK(optiverse_trace_options_init(&options));
  options.max_events = 1;
  OK(optiverse_trace(system, &options, NULL, NULL, NULL, &paths));
  OK(optiverse_paths_arrays(paths, &arrays));
  CHECK(arrays.path_count == 6 && arrays.endings[0] == OPTIVERSE_ENDING_TOO_MANY_EVENTS);
  OK(optiverse_paths_free(paths));

  // Huge numbers are numbers.
  OK(optiverse_trace_options_init(&options));
  options.max_events = UINT32_MAX;
  options.threads = UINT32_MAX;
  options.max_vertices = SIZE_MAX;
  OK(optiverse_trace(system, &options, NULL, NULL, NULL, &paths));
  OK(optiverse_paths_free(paths));

  options.max_vertices = 4;
  OK(optiverse_trace(system, &options, NULL, NULL, NULL, &paths));
  OK(optiverse_paths_arrays(paths, &arrays));
  OK(optiverse_paths_power(paths, &power, &is_truncated));
  CHECK(is_truncated == 1 && arrays.vertex_count <= 4 && power.limit > 0.0);
  OK(optiverse_paths_free(paths));

  OK(optiverse_trace_options_init(&options));
  CHECK(options.physics.lens_law == OPTIVERSE_LENS_LAW_TANGENT);
  OK(optiverse_physics_init(&options.physics, OPTIVERSE_PRESET_OPTIVERSE034));
  CHECK(options.physics.lens_law == OPTIVERSE_LENS_LAW_ANGLE_DIFFERENCE);
  CHECK(options.physics.jones_length == OPTIVERSE_JONES_LENGTH_AS_GIVEN);
  OK(optiverse_trace(system, &options, NULL, NULL, NULL, &paths));
  OK(optiverse_paths_free(paths));
  EXPECT(INVALID_ARGUMENT, optiverse_physics_init(&options.physics, 3));
  expect_error("", "preset", "3");
  OK(optiverse_physics_init(&options.physics, OPTIVERSE_PRESET_OPTIVERSE027));
  CHECK(options.physics.lens_law == OPTIVERSE_LENS_LAW_PARAXIAL_ANGLE);
  static const char *const laws[] = {"lens_law",     "fresnel",      "arc_side",  "beam_matrices",  "self_hits",
                                     "weak_rays",    "hidden_items", "point_fan", "clear_aperture", "jones_length",
                                     "mirror_jones", "waveplate_return", "length_budget", "gaussian_sources"};
  for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
    OK(optiverse_physics_init(&options.physics, OPTIVERSE_PRESET_EXACT));
    (&options.physics.lens_law)[i] = 3;
    EXPECT(INVALID_OPTION, optiverse_trace(system, &options, NULL, NULL, NULL, &paths));
    expect_error("", laws[i], "3");
  }
  OK(optiverse_system_free(system));
}

struct progress {
  int calls;
  int answer;
  uint64_t done, total;
};

static int32_t on_progress(void *user_data, uint64_t done, uint64_t total) {
  struct progress *progress = user_data;
  // The library may be called from here.
  CHECK(optiverse_handle_count() > 0);
  progress->calls++;
  progress->done = done;
  progress->total = total;
  return progress->answer;
}

static void watching_and_stopping(void) {
  optiverse_system *system = system_of(BENCH);
  optiverse_paths *paths = NULL;
  optiverse_control *control;
  uint64_t done = 7, total = 7;
  OK(optiverse_control_new(&control));
  OK(optiverse_control_progress(control, &done, &total));
  CHECK(done == 0 && total == 0);
  OK(optiverse_trace(system, NULL, control, NULL, NULL, &paths));
  OK(optiverse_paths_free(paths));
  OK(optiverse_control_progress(control, &done, &total));
  CHECK(done == 3 && total == 3);

  struct progress seen = {0, 0, 0, 0};
  OK(optiverse_trace(system, NULL, NULL, on_progress, &seen, &paths));
  CHECK(seen.calls >= 1 && seen.done == 3 && seen.total == 3);
  OK(optiverse_paths_free(paths));
  paths = NULL;
  seen.answer = 1;
  EXPECT(CANCELLED, optiverse_trace(system, NULL, NULL, on_progress, &seen, &paths));

  OK(optiverse_control_cancel(control));
  EXPECT(CANCELLED, optiverse_trace(system, NULL, control, NULL, NULL, &paths));
  seen.answer = 0;
  EXPECT(CANCELLED, optiverse_trace(system, NULL, control, on_progress, &seen, &paths));
  CHECK(paths == NULL);
  OK(optiverse_control_free(control));
  OK(optiverse_system_free(system));
}

static void pictures_and_tables(void) {
  optiverse_system *system = system_of(BENCH), *other = system_of("{}");
  optiverse_paths *paths;
  optiverse_text *text = NULL;
  optiverse_str view;
  optiverse_svg_options options;
  OK(optiverse_trace(system, NULL, NULL, NULL, NULL, &paths));
  OK(optiverse_svg(system, paths, NULL, &text));
  OK(optiverse_text_view(text, &view));
  CHECK(strncmp(view.data, "<svg", 4) == 0 && strstr(view.data, "class=\"ray\"") != NULL);
  OK(optiverse_text_free(text));
  OK(optiverse_svg(system, NULL, NULL, &text));
  OK(optiverse_text_view(text, &view));
  CHECK(strstr(view.data, "class=\"ray\"") == NULL);
  OK(optiverse_text_free(text));
  text = NULL;
  EXPECT(INVALID_ARGUMENT, optiverse_svg(other, paths, NULL, &text));

  memset(&options, 0, sizeof options);
  EXPECT(INVALID_OPTION, optiverse_svg(system, paths, &options, &text));
  expect_error("", "size", "0");
  OK(optiverse_svg_options_init(&options));
  options.width_px = 0;
  EXPECT(INVALID_OPTION, optiverse_svg(system, paths, &options, &text));
  expect_error("", "width_px", "0");
  OK(optiverse_svg_options_init(&options));
  options.crop = 2;
  EXPECT(INVALID_OPTION, optiverse_svg(system, paths, &options, &text));
  expect_error("", "crop", "2");
  OK(optiverse_svg_options_init(&options));
  options.has_labels = 2;
  EXPECT(INVALID_OPTION, optiverse_svg(system, paths, &options, &text));
  OK(optiverse_svg_options_init(&options));
  options.has_scale_bar = 255;
  EXPECT(INVALID_OPTION, optiverse_svg(system, paths, &options, &text));
  OK(optiverse_svg_options_init(&options));
  options.is_transparent = 2;
  EXPECT(INVALID_OPTION, optiverse_svg(system, paths, &options, &text));
  CHECK(text == NULL);
  OK(optiverse_svg_options_init(&options));
  options.width_px = 321;
  options.crop = OPTIVERSE_CROP_EVERYTHING;
  options.background[0] = 1;
  OK(optiverse_svg(system, paths, &options, &text));
  OK(optiverse_text_view(text, &view));
  CHECK(strstr(view.data, "width=\"321\"") != NULL && strstr(view.data, "#01ffff") != NULL);
  OK(optiverse_text_free(text));

  OK(optiverse_csv(paths, &text));
  OK(optiverse_text_view(text, &view));
  CHECK(strncmp(view.data, "path,", 5) == 0);
  OK(optiverse_text_free(text));
  OK(optiverse_paths_free(paths));
  OK(optiverse_system_free(other));
  OK(optiverse_system_free(system));
}

int main(void) {
  compiles();
  arrays_tell_the_way_of_light();
  options();
  watching_and_stopping();
  pictures_and_tables();
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
