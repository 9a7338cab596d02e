// Traces a plane scene with Embree: every segment is a wall of two triangles (a quad), every ray lies in the plane z = 0.
// The work is that of the engine without polarisation: nearest hit, reflection or refraction, stored vertex.
#include <embree3/rtcore.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

// As `Segment` in embree.rs.
struct Segment {
  double x1, y1, x2, y2;
  // Centre of the circle it is a chord of, and the indices on the outer and the inner side; 0 for a mirror.
  double cx, cy, outer, inner;
};

struct Scene {
  RTCDevice device;
  RTCScene scene;
  std::vector<Segment> segments;
};

// Where a new ray begins: single precision would meet the wall it leaves, which far from the origin may seem to lie further off.
constexpr float NEAR = 1e-3f, NEAR_SHARE = 4e-7f;

struct Light {
  float x, y, dx, dy;
  float near() const { return std::fmax(NEAR, NEAR_SHARE * std::fmax(std::fabs(x), std::fabs(y))); }
};

// Reflects or refracts light at a point of a segment.
void interact(const Segment& s, float distance, Light& light) {
  light.x += distance * light.dx;
  light.y += distance * light.dy;
  if (s.outer == 0) {
    double tx = s.x1 - s.x2, ty = s.y1 - s.y2;
    double along = 2 * (light.dx * tx + light.dy * ty) / (tx * tx + ty * ty);
    double dx = along * tx - light.dx, dy = along * ty - light.dy;
    double scale = 1 / std::sqrt(dx * dx + dy * dy);
    light.dx = float(dx * scale);
    light.dy = float(dy * scale);
    return;
  }
  double nx = light.x - s.cx, ny = light.y - s.cy;
  double length = std::sqrt(nx * nx + ny * ny);
  nx /= length;
  ny /= length;
  double cos1 = -(light.dx * nx + light.dy * ny);
  double ratio = cos1 > 0 ? s.outer / s.inner : s.inner / s.outer;
  if (cos1 < 0) {
    nx = -nx;
    ny = -ny;
    cos1 = -cos1;
  }
  double cos2 = std::sqrt(std::fmax(0, 1 - ratio * ratio * (1 - cos1 * cos1)));
  double dx = ratio * light.dx + (ratio * cos1 - cos2) * nx, dy = ratio * light.dy + (ratio * cos1 - cos2) * ny;
  double scale = 1 / std::sqrt(dx * dx + dy * dy);
  light.dx = float(dx * scale);
  light.dy = float(dy * scale);
}

template <typename Rays>
void set(Rays& rays, int i, const Light& light) {
  rays.ray.org_x[i] = light.x;
  rays.ray.org_y[i] = light.y;
  rays.ray.org_z[i] = 0;
  rays.ray.dir_x[i] = light.dx;
  rays.ray.dir_y[i] = light.dy;
  rays.ray.dir_z[i] = 0;
  rays.ray.tnear[i] = light.near();
  rays.ray.tfar[i] = INFINITY;
  rays.ray.time[i] = 0;
  rays.ray.mask[i] = ~0u;
  rays.ray.id[i] = 0;
  rays.ray.flags[i] = 0;
  rays.hit.geomID[i] = RTC_INVALID_GEOMETRY_ID;
  rays.hit.instID[0][i] = RTC_INVALID_GEOMETRY_ID;
}

RTCRayHit single(const Light& light) {
  RTCRayHit ray{};
  ray.ray.org_x = light.x;
  ray.ray.org_y = light.y;
  ray.ray.dir_x = light.dx;
  ray.ray.dir_y = light.dy;
  ray.ray.tnear = light.near();
  ray.ray.tfar = INFINITY;
  ray.ray.mask = ~0u;
  ray.hit.geomID = RTC_INVALID_GEOMETRY_ID;
  ray.hit.instID[0] = RTC_INVALID_GEOMETRY_ID;
  return ray;
}

// Where vertices go: a row of x, y for each ray.
struct Output {
  double* vertices;
  size_t stride, hits = 0;
  void store(size_t ray, size_t event, const Light& light) {
    vertices[2 * (ray * stride + event)] = light.x;
    vertices[2 * (ray * stride + event) + 1] = light.y;
    ++hits;
  }
};

template <int N, typename Rays, typename Call>
size_t packets(const Scene& scene, Light* lights, size_t rays, size_t events, Output out, Call intersect) {
  RTCIntersectContext context;
  rtcInitIntersectContext(&context);
  for (size_t first = 0; first < rays; first += N) {
    alignas(64) int valid[N];
    for (int i = 0; i < N; ++i) valid[i] = first + i < rays ? -1 : 0;
    for (size_t event = 0; event < events; ++event) {
      alignas(64) Rays packet;
      bool any = false;
      for (int i = 0; i < N; ++i) {
        set(packet, i, valid[i] ? lights[first + i] : Light{0, 0, 1, 0});
        any |= valid[i] != 0;
      }
      if (!any) break;
      intersect(valid, scene.scene, &context, &packet);
      for (int i = 0; i < N; ++i) {
        if (!valid[i]) continue;
        if (packet.hit.geomID[i] == RTC_INVALID_GEOMETRY_ID) {
          valid[i] = 0;
          continue;
        }
        interact(scene.segments[packet.hit.primID[i]], packet.ray.tfar[i], lights[first + i]);
        out.store(first + i, event, lights[first + i]);
      }
    }
  }
  return out.hits;
}

}  // namespace

extern "C" {

Scene* peer_embree_build(const Segment* segments, size_t count) {
  auto* scene = new Scene{rtcNewDevice("threads=1"), nullptr, {segments, segments + count}};
  scene->scene = rtcNewScene(scene->device);
  rtcSetSceneBuildQuality(scene->scene, RTC_BUILD_QUALITY_HIGH);
  RTCGeometry walls = rtcNewGeometry(scene->device, RTC_GEOMETRY_TYPE_QUAD);
  auto* points = static_cast<float*>(
      rtcSetNewGeometryBuffer(walls, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3, 3 * sizeof(float), 4 * count));
  auto* corners = static_cast<uint32_t*>(
      rtcSetNewGeometryBuffer(walls, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT4, 4 * sizeof(uint32_t), count));
  for (size_t i = 0; i < count; ++i) {
    const Segment& s = segments[i];
    const float wall[12] = {float(s.x1), float(s.y1), -1, float(s.x2), float(s.y2), -1,
                            float(s.x2), float(s.y2), 1,  float(s.x1), float(s.y1), 1};
    std::memcpy(points + 12 * i, wall, sizeof wall);
    for (uint32_t k = 0; k < 4; ++k) corners[4 * i + k] = uint32_t(4 * i) + k;
  }
  rtcCommitGeometry(walls);
  rtcAttachGeometry(scene->scene, walls);
  rtcReleaseGeometry(walls);
  rtcCommitScene(scene->scene);
  return scene;
}

void peer_embree_free(Scene* scene) {
  rtcReleaseScene(scene->scene);
  rtcReleaseDevice(scene->device);
  delete scene;
}

// Traces rays [x, y, dx, dy] in packets of `width` (1, 4, 8, 16; 0: all rays of one event as a stream); the number of hits.
size_t peer_embree_trace(const Scene* scene, const double* starts, size_t rays, size_t events, int width, double* vertices) {
  std::vector<Light> lights(rays);
  for (size_t i = 0; i < rays; ++i) {
    const double* s = starts + 4 * i;
    lights[i] = {float(s[0]), float(s[1]), float(s[2]), float(s[3])};
  }
  Output out{vertices, events};
  switch (width) {
    case 4: return packets<4, RTCRayHit4>(*scene, lights.data(), rays, events, out, rtcIntersect4);
    case 8: return packets<8, RTCRayHit8>(*scene, lights.data(), rays, events, out, rtcIntersect8);
    case 16: return packets<16, RTCRayHit16>(*scene, lights.data(), rays, events, out, rtcIntersect16);
    default: break;
  }
  RTCIntersectContext context;
  rtcInitIntersectContext(&context);
  if (width == 1) {
    for (size_t ray = 0; ray < rays; ++ray) {
      for (size_t event = 0; event < events; ++event) {
        RTCRayHit hit = single(lights[ray]);
        rtcIntersect1(scene->scene, &context, &hit);
        if (hit.hit.geomID == RTC_INVALID_GEOMETRY_ID) break;
        interact(scene->segments[hit.hit.primID], hit.ray.tfar, lights[ray]);
        out.store(ray, event, lights[ray]);
      }
    }
    return out.hits;
  }
  std::vector<RTCRayHit> stream;
  std::vector<uint32_t> alive(rays), next;
  for (size_t i = 0; i < rays; ++i) alive[i] = uint32_t(i);
  for (size_t event = 0; event < events && !alive.empty(); ++event) {
    stream.clear();
    for (uint32_t i : alive) stream.push_back(single(lights[i]));
    rtcIntersect1M(scene->scene, &context, stream.data(), unsigned(stream.size()), sizeof(RTCRayHit));
    next.clear();
    for (size_t k = 0; k < alive.size(); ++k) {
      if (stream[k].hit.geomID == RTC_INVALID_GEOMETRY_ID) continue;
      Light& light = lights[alive[k]];
      interact(scene->segments[stream[k].hit.primID], stream[k].ray.tfar, light);
      out.store(alive[k], event, light);
      next.push_back(alive[k]);
    }
    alive.swap(next);
  }
  return out.hits;
}
}
