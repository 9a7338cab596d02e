// Traces the scenes that a list names and writes every array of every result to a file, byte by byte. The program of the same
// name in Rust does so without this interface.
//
//   golden LIST OUTPUT      each line of the list: preset max_events min_intensity path
#include "check.h"

static void write_bytes(FILE *file, const void *bytes, size_t size, size_t count) {
  CHECK(fwrite(bytes, size, count, file) == count);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  FILE *list = fopen(argv[1], "rb"), *file = fopen(argv[2], "wb");
  CHECK(list != NULL && file != NULL);
  unsigned preset, max_events;
  double min_intensity;
  char path[4096];
  while (fscanf(list, "%u %u %lf %4095s", &preset, &max_events, &min_intensity, path) == 4) {
    optiverse_scene *scene;
    optiverse_system *system;
    optiverse_paths *paths;
    optiverse_trace_options options;
    optiverse_arrays a;
    OK(optiverse_scene_load(path, &scene));
    OK(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_LENIENT, &system));
    OK(optiverse_trace_options_init(&options));
    OK(optiverse_physics_init(&options.physics, preset));
    options.max_events = max_events;
    options.min_intensity = min_intensity;
    OK(optiverse_trace(system, &options, NULL, NULL, NULL, &paths));
    OK(optiverse_paths_arrays(paths, &a));
    write_bytes(file, &a.path_count, sizeof a.path_count, 1);
    write_bytes(file, &a.vertex_count, sizeof a.vertex_count, 1);
    write_bytes(file, a.points, sizeof *a.points, a.vertex_count);
    write_bytes(file, a.intensities, sizeof *a.intensities, a.vertex_count);
    write_bytes(file, a.jones, sizeof *a.jones, a.vertex_count);
    write_bytes(file, a.optical_paths_mm, sizeof *a.optical_paths_mm, a.vertex_count);
    write_bytes(file, a.beam_radii_mm, sizeof *a.beam_radii_mm, a.vertex_count);
    write_bytes(file, a.hit_items, sizeof *a.hit_items, a.vertex_count);
    write_bytes(file, a.hit_interfaces, sizeof *a.hit_interfaces, a.vertex_count);
    write_bytes(file, a.offsets, sizeof *a.offsets, a.path_count + 1);
    write_bytes(file, a.rgba, sizeof *a.rgba, a.path_count);
    write_bytes(file, a.wavelengths_nm, sizeof *a.wavelengths_nm, a.path_count);
    write_bytes(file, a.source_indices, sizeof *a.source_indices, a.path_count);
    write_bytes(file, a.ray_indices, sizeof *a.ray_indices, a.path_count);
    write_bytes(file, a.parents, sizeof *a.parents, a.path_count);
    write_bytes(file, a.branch_vertices, sizeof *a.branch_vertices, a.path_count);
    write_bytes(file, a.endings, sizeof *a.endings, a.path_count);
    OK(optiverse_paths_free(paths));
    OK(optiverse_system_free(system));
    OK(optiverse_scene_free(scene));
  }
  CHECK(feof(list) && fclose(list) == 0 && fclose(file) == 0);
  return 0;
}
