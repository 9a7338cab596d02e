// As much of a trace as a time allows: which rays it holds, and what it refuses.
#include <math.h>

#include "check.h"

// So many parallel rays with nothing in their way: one path and two vertices each.
static optiverse_system *fan_of(int rays) {
  char json[160];
  snprintf(json, sizeof json, "{\"items\": [{\"_type\": \"source\", \"item_uuid\": \"laser\", \"n_rays\": %d}]}", rays);
  optiverse_scene *scene = scene_of(json);
  optiverse_system *system;
  OK(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_STRICT, &system));
  OK(optiverse_scene_free(scene));
  return system;
}

// Ends the test unless the rays are in order, every ray at a multiple of the stride is there, and the paths are theirs.
static void expect_consistent(const optiverse_partial_trace *partial) {
  optiverse_partial_trace_info info;
  optiverse_paths *paths;
  optiverse_arrays a;
  optiverse_power_balance power;
  uint8_t is_truncated;
  uint64_t at_stride = 0;
  OK(optiverse_partial_trace_view(partial, &info));
  OK(optiverse_partial_trace_paths(partial, &paths));
  OK(optiverse_paths_arrays(paths, &a));
  OK(optiverse_paths_power(paths, &power, &is_truncated));
  CHECK(info.ray_count == a.path_count && power.emitted == (double)info.ray_count);
  for (size_t i = 0; i < info.ray_count; i++) {
    CHECK(info.rays[i].source == 0 && info.rays[i].ray < info.rays_total);
    CHECK(i == 0 || info.rays[i - 1].ray < info.rays[i].ray);
    CHECK(a.source_indices[i] == 0 && a.ray_indices[i] == (int64_t)info.rays[i].ray);
    if (info.stride != 0 && info.rays[i].ray % info.stride == 0) at_stride++;
  }
  if (info.stride != 0) CHECK(at_stride == (info.rays_total + info.stride - 1) / info.stride);
  OK(optiverse_paths_free(paths));
}

static void enough_time_gives_the_whole_trace(void) {
  optiverse_scene *scene = scene_of(BENCH);
  optiverse_system *system;
  optiverse_partial_trace *partial;
  optiverse_partial_trace_info info;
  optiverse_control *control;
  optiverse_paths *whole, *paths;
  uint64_t done, total;
  OK(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_STRICT, &system));
  OK(optiverse_trace(system, NULL, NULL, NULL, NULL, &whole));
  OK(optiverse_control_new(&control));
  // More seconds than any clock counts are a number too.
  OK(optiverse_trace_within(system, NULL, 1e300, control, &partial));
  OK(optiverse_control_progress(control, &done, &total));
  CHECK(done == 3 && total == 3);
  OK(optiverse_partial_trace_view(partial, &info));
  CHECK(info.is_complete == 1 && info.stride == 1 && info.ray_count == 3 && info.rays_total == 3);
  for (size_t i = 0; i < 3; i++) CHECK(info.rays[i].source == 0 && info.rays[i].ray == i);
  // The paths outlive what they came from.
  OK(optiverse_partial_trace_paths(partial, &paths));
  OK(optiverse_partial_trace_free(partial));
  OK(optiverse_system_free(system));
  expect_same(whole, paths);
  OK(optiverse_control_free(control));
  OK(optiverse_scene_free(scene));
}

static void little_time_gives_every_kth_ray(void) {
  // The most rays that a source may have, for a time in which no machine traces them.
  optiverse_system *system = fan_of(10000000);
  optiverse_trace_options options;
  optiverse_partial_trace *partial;
  optiverse_partial_trace_info info;
  OK(optiverse_trace_options_init(&options));
  options.max_vertices = SIZE_MAX;
  OK(optiverse_trace_within(system, &options, 0.02, NULL, &partial));
  OK(optiverse_partial_trace_view(partial, &info));
  CHECK(info.is_complete == 0 && info.ray_count < info.rays_total && info.rays_total == 10000000);
  CHECK(info.stride != 1);
  expect_consistent(partial);
  OK(optiverse_partial_trace_free(partial));

  // Of no time nothing comes, and no pointer is null.
  OK(optiverse_trace_within(system, NULL, 0.0, NULL, &partial));
  OK(optiverse_partial_trace_view(partial, &info));
  CHECK(info.is_complete == 0 && info.stride == 0 && info.ray_count == 0 && info.rays != NULL);
  CHECK(info.rays_total == 10000000);
  expect_consistent(partial);
  OK(optiverse_partial_trace_free(partial));
  OK(optiverse_system_free(system));
}

static void the_limit_on_vertices_ends_it_too(void) {
  // The first pass has every fourth ray: 250 rays and 500 vertices, as more than 256 rays would be too many. The second,
  // which begins 250 more, is cut.
  optiverse_system *system = fan_of(1000);
  optiverse_trace_options options;
  optiverse_partial_trace *partial;
  optiverse_partial_trace_info info;
  optiverse_paths *paths;
  optiverse_power_balance power;
  uint8_t is_truncated;
  OK(optiverse_trace_options_init(&options));
  options.max_vertices = 600;
  OK(optiverse_trace_within(system, &options, 1e6, NULL, &partial));
  OK(optiverse_partial_trace_view(partial, &info));
  CHECK(info.is_complete == 0 && info.stride == 4 && info.ray_count >= 250 && info.rays_total == 1000);
  OK(optiverse_partial_trace_paths(partial, &paths));
  OK(optiverse_paths_power(paths, &power, &is_truncated));
  CHECK(is_truncated == 1);
  OK(optiverse_paths_free(paths));
  OK(optiverse_partial_trace_free(partial));

  // With room for all it is whole.
  OK(optiverse_trace_options_init(&options));
  OK(optiverse_trace_within(system, &options, 1e6, NULL, &partial));
  OK(optiverse_partial_trace_view(partial, &info));
  CHECK(info.is_complete == 1 && info.stride == 1 && info.ray_count == 1000);
  expect_consistent(partial);
  OK(optiverse_partial_trace_free(partial));
  OK(optiverse_system_free(system));
}

static void refuses(void) {
  static const struct {
    double seconds;
    const char *value;
  } bad[] = {{-1.0, "-1"}, {-1e-300, NULL}, {NAN, "NaN"}, {INFINITY, "inf"}, {-INFINITY, "-inf"}};
  optiverse_system *system = fan_of(3);
  optiverse_trace_options options;
  optiverse_partial_trace *partial = NULL;
  optiverse_partial_trace_info info;
  optiverse_control *control;
  optiverse_paths *no_paths;
  optiverse_error error;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    EXPECT(INVALID_ARGUMENT, optiverse_trace_within(system, NULL, bad[i].seconds, NULL, &partial));
    if (bad[i].value != NULL) expect_error("", "seconds", bad[i].value);
    OK(optiverse_last_error(&error));
    CHECK(is_text(error.key, "seconds") && strstr(error.message.data, "expected a finite number, 0 or more") != NULL);
  }
  OK(optiverse_trace_options_init(&options));
  options.min_intensity = -1.0;
  EXPECT(INVALID_OPTION, optiverse_trace_within(system, &options, 1.0, NULL, &partial));
  expect_error("", "min_intensity", "-1");
  options.size = 0;
  EXPECT(INVALID_OPTION, optiverse_trace_within(system, &options, 1.0, NULL, &partial));
  OK(optiverse_control_new(&control));
  OK(optiverse_control_cancel(control));
  EXPECT(CANCELLED, optiverse_trace_within(system, NULL, 1.0, control, &partial));
  EXPECT(NULL_PARAMETER, optiverse_trace_within(NULL, NULL, 1.0, NULL, &partial));
  EXPECT(NULL_PARAMETER, optiverse_trace_within(system, NULL, 1.0, NULL, NULL));
  EXPECT(INVALID_HANDLE, optiverse_trace_within((void *)control, NULL, 1.0, NULL, &partial));
  EXPECT(INVALID_HANDLE, optiverse_trace_within(system, NULL, 1.0, (void *)system, &partial));
  CHECK(partial == NULL);

  OK(optiverse_trace_within(system, NULL, -0.0, NULL, &partial));
  EXPECT(NULL_PARAMETER, optiverse_partial_trace_view(partial, NULL));
  EXPECT(NULL_PARAMETER, optiverse_partial_trace_view(NULL, &info));
  EXPECT(NULL_PARAMETER, optiverse_partial_trace_paths(partial, NULL));
  EXPECT(NULL_PARAMETER, optiverse_partial_trace_paths(NULL, &no_paths));
  OK(optiverse_partial_trace_free(partial));
  EXPECT(INVALID_HANDLE, optiverse_partial_trace_view(partial, &info));
  EXPECT(INVALID_HANDLE, optiverse_partial_trace_paths(partial, &no_paths));
  EXPECT(INVALID_HANDLE, optiverse_partial_trace_free(partial));
  EXPECT(INVALID_HANDLE, optiverse_partial_trace_free((void *)system));
  OK(optiverse_partial_trace_free(NULL));
  OK(optiverse_control_free(control));
  OK(optiverse_system_free(system));
  EXPECT(INVALID_HANDLE, optiverse_trace_within(system, NULL, 1.0, NULL, &partial));
}

int main(void) {
  enough_time_gives_the_whole_trace();
  little_time_gives_every_kth_ray();
  the_limit_on_vertices_ends_it_too();
  refuses();
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
