// Moves one item 1,000 times, as a program does in which an element is dragged by the mouse, and traces after each step what
// that can have changed; then takes all of it back at once.
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

// What a program would draw anew: here it is only added up.
static uint64_t look_at(const optiverse_update *update) {
  optiverse_update_info info;
  optiverse_paths *paths;
  optiverse_arrays a;
  check(optiverse_update_view(update, &info));
  // A picture would now remove what it has of `info.rays`, and draw these paths.
  check(optiverse_update_paths(update, &paths));
  check(optiverse_paths_arrays(paths, &a));
  uint64_t vertices = a.vertex_count;
  check(optiverse_paths_free(paths));
  return vertices;
}

// Where all light ends, to compare two pictures by.
static double sum_of_ends(const optiverse_tracer *tracer) {
  optiverse_paths *paths;
  optiverse_arrays a;
  double sum = 0.0;
  check(optiverse_tracer_paths(tracer, &paths));
  check(optiverse_paths_arrays(paths, &a));
  for (size_t i = 0; i < a.path_count; i++) {
    int64_t last = a.offsets[i + 1] - 1;
    sum += a.intensities[last] * a.points[last].y;
  }
  check(optiverse_paths_free(paths));
  return sum;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s LAYOUT.json ITEM\n", argv[0]);
    return 2;
  }
  optiverse_scene *scene;
  optiverse_tracer *tracer;
  optiverse_edit *edit, *back = NULL;
  double x, y;
  check(optiverse_scene_load(argv[1], &scene));
  check(optiverse_scene_number(scene, argv[2], "x_mm", &x));
  check(optiverse_scene_number(scene, argv[2], "y_mm", &y));
  check(optiverse_tracer_new(scene, NULL, NULL, &tracer));
  check(optiverse_scene_free(scene));
  check(optiverse_edit_new(&edit));
  double before = sum_of_ends(tracer);
  uint64_t vertices = 0;

  clock_t start = clock();
  for (int step = 1; step <= STEPS; step++) {
    optiverse_update *update;
    check(optiverse_edit_clear(edit));
    check(optiverse_edit_move(edit, argv[2], x, y + 0.01 * step));
    check(optiverse_tracer_update(tracer, edit, NULL, &update));
    vertices += look_at(update);
    // The way back to where the drag began is the inverse of its first step.
    if (!back) check(optiverse_update_inverse(update, &back));
    check(optiverse_update_free(update));
  }
  double milliseconds = 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC;
  int has_moved = sum_of_ends(tracer) != before;
  check(optiverse_tracer_update(tracer, back, NULL, NULL));
  int is_back = sum_of_ends(tracer) == before;
  printf("%d steps, %.0f vertices drawn and %.3f ms of processor time each; the light %s, and is %s\n", STEPS,
         (double)vertices / STEPS, milliseconds / STEPS, has_moved ? "moved" : "did not move",
         is_back ? "back where it was" : "somewhere else");

  check(optiverse_edit_free(back));
  check(optiverse_edit_free(edit));
  check(optiverse_tracer_free(tracer));
  return is_back ? 0 : 1;
}
