// As trace.c, in C++: reads a layout, traces it, and prints a line for each path.
//
//   c++ -std=c++17 trace.cpp -o trace $(pkg-config --cflags --libs optiverse)
//   ./trace layout.json
#include <array>
#include <iomanip>
#include <iostream>
#include <optiverse.hpp>

int main(int argc, char **argv) try {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " LAYOUT.json\n";
    return 2;
  }
  const optiverse::system system(optiverse::scene::load(argv[1]));
  for (const auto &report : system.reports()) std::cerr << optiverse::view(report.message) << '\n';

  // Four times a second would do for a bar; false would stop the trace.
  const auto paths = system.trace(optiverse::trace_options(), [](auto, auto) { return true; });
  constexpr std::array endings{"left", "absorbed", "blocked", "too weak", "too many events", "too long", "limit"};
  for (std::size_t i = 0; i < paths.size(); i++) {
    const auto [x, y] = paths.points(i).back();
    std::cout << std::setw(4) << i << std::fixed << std::setprecision(4) << std::setw(12) << x << std::setw(12) << y
              << std::setw(10) << paths.intensities(i).back() << "  " << endings[paths.ending(i)] << '\n';
  }
  const auto balance = paths.power().balance;
  std::cout << paths.size() << " paths; emitted " << balance.emitted << ", left " << balance.left << '\n';
  return 0;
} catch (const optiverse::error &error) {
  std::cerr << optiverse_result_name(error.code()) << ": " << error.what() << '\n';
  return 1;
}
