// Reads a layout, traces it, and prints a line for each path: where it ends, with how much power, and how.
//
//   cc trace.c -o trace $(pkg-config --cflags --libs optiverse)
//   ./trace layout.json [picture.svg]
#include <optiverse.h>
#include <stdio.h>
#include <stdlib.h>

// Ends the program, saying why, unless a call of the library succeeded.
static void check(optiverse_result result) {
  if (result == OPTIVERSE_RESULT_OK) return;
  optiverse_error error;
  optiverse_last_error(&error);
  fprintf(stderr, "%s: %s\n", optiverse_result_name(result), error.message.data);
  exit(1);
}

static void print_reports(const optiverse_system *system) {
  const optiverse_report *reports;
  size_t count;
  check(optiverse_system_reports(system, &reports, &count));
  for (size_t i = 0; i < count; i++) fprintf(stderr, "%s\n", reports[i].message.data);
}

static void print_table(const optiverse_paths *paths) {
  static const char *const endings[] = {"left",     "absorbed", "blocked", "too weak", "too many events",
                                        "too long", "limit"};
  optiverse_arrays a;
  const optiverse_str *sources;
  size_t source_count;
  optiverse_power_balance power;
  uint8_t is_truncated;
  check(optiverse_paths_arrays(paths, &a));
  check(optiverse_paths_sources(paths, &sources, &source_count));
  check(optiverse_paths_power(paths, &power, &is_truncated));

  printf("%-16s %4s %12s %12s %10s %14s  %s\n", "source", "ray", "x/mm", "y/mm", "power", "optical/mm", "ending");
  for (size_t i = 0; i < a.path_count; i++) {
    int64_t last = a.offsets[i + 1] - 1;
    printf("%-16.16s %4lld %12.4f %12.4f %10.6f %14.4f  %s\n", sources[a.source_indices[i]].data,
           (long long)a.ray_indices[i], a.points[last].x, a.points[last].y, a.intensities[last],
           a.optical_paths_mm[last], endings[a.endings[i]]);
  }
  printf("%zu paths; emitted %.6g, left %.6g, absorbed %.6g, blocked %.6g, too weak %.6g%s\n", a.path_count,
         power.emitted, power.left, power.absorbed, power.blocked, power.too_weak, is_truncated ? "; truncated" : "");
}

static void write_picture(const optiverse_system *system, const optiverse_paths *paths, const char *name) {
  optiverse_text *svg;
  optiverse_str text;
  check(optiverse_svg(system, paths, NULL, &svg));
  check(optiverse_text_view(svg, &text));
  FILE *file = fopen(name, "wb");
  size_t written = file ? fwrite(text.data, 1, text.length, file) : 0;
  if (!file || fclose(file) != 0 || written != text.length) {
    perror(name);
    exit(1);
  }
  check(optiverse_text_free(svg));
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: %s LAYOUT.json [PICTURE.svg]\n", argv[0]);
    return 2;
  }
  optiverse_scene *scene;
  optiverse_system *system;
  optiverse_paths *paths;
  check(optiverse_scene_load(argv[1], &scene));
  check(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_LENIENT, &system));
  print_reports(system);
  check(optiverse_trace(system, NULL, NULL, NULL, NULL, &paths));
  print_table(paths);
  if (argc == 3) write_picture(system, paths, argv[2]);

  check(optiverse_paths_free(paths));
  check(optiverse_system_free(system));
  check(optiverse_scene_free(scene));
  return 0;
}
