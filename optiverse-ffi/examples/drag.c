// Moves one item 1,000 times and traces after each step, as a program does in which an element is dragged by the mouse; then
// takes all of it back at once.
//
//   cc drag.c -o drag $(pkg-config --cflags --libs optiverse)
//   ./drag layout.json ITEM
#include <optiverse.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STEPS 1000

static void check(optiverse_result result) {
  if (result == OPTIVERSE_RESULT_OK) return;
  optiverse_error error;
  optiverse_last_error(&error);
  fprintf(stderr, "%s: %s\n", optiverse_result_name(result), error.message.data);
  exit(1);
}

// What a program would draw: here, the sum of where all light ends.
static double look_at(const optiverse_paths *paths) {
  optiverse_arrays a;
  double sum = 0.0;
  check(optiverse_paths_arrays(paths, &a));
  for (size_t i = 0; i < a.path_count; i++) {
    int64_t last = a.offsets[i + 1] - 1;
    sum += a.intensities[last] * a.points[last].y;
  }
  return sum;
}

static double trace(const optiverse_scene *scene) {
  optiverse_system *system;
  optiverse_paths *paths;
  check(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_LENIENT, &system));
  check(optiverse_trace(system, NULL, NULL, NULL, NULL, &paths));
  double seen = look_at(paths);
  check(optiverse_paths_free(paths));
  check(optiverse_system_free(system));
  return seen;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s LAYOUT.json ITEM\n", argv[0]);
    return 2;
  }
  optiverse_scene *scene;
  optiverse_edit *edit, *back = NULL;
  double x, y;
  check(optiverse_scene_load(argv[1], &scene));
  check(optiverse_scene_number(scene, argv[2], "x_mm", &x));
  check(optiverse_scene_number(scene, argv[2], "y_mm", &y));
  check(optiverse_edit_new(&edit));
  double before = trace(scene), different = 0.0;

  clock_t start = clock();
  for (int step = 1; step <= STEPS; step++) {
    check(optiverse_edit_clear(edit));
    check(optiverse_edit_move(edit, argv[2], x, y + 0.01 * step));
    // The way back to where the drag began is the inverse of its first step.
    check(optiverse_scene_apply(scene, edit, back ? NULL : &back));
    if (trace(scene) != before) different++;
  }
  double milliseconds = 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC;
  check(optiverse_scene_apply(scene, back, NULL));
  int is_back = trace(scene) == before;
  printf("%d steps, %.0f of them with another picture, %.3f ms of processor time each; back %s\n", STEPS, different,
         milliseconds / STEPS, is_back ? "where it was" : "somewhere else");

  check(optiverse_edit_free(back));
  check(optiverse_edit_free(edit));
  check(optiverse_scene_free(scene));
  return is_back ? 0 : 1;
}
