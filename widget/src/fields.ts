/** What the panel lets one edit: the keys of the file format with their defaults. */

import type { Item, Properties } from "./state";

export interface Field {
  readonly key: string;
  readonly label: string;
  readonly kind: "number" | "text" | "flag" | "choice" | "colour";
  readonly unit?: string;
  readonly choices?: readonly string[];
  /** What counts where the key is missing. */
  readonly default: number | string | boolean;
}

const number = (key: string, label: string, unit: string, otherwise: number): Field =>
  ({ key, label, kind: "number", unit, default: otherwise });

const POLARISATIONS = ["horizontal", "vertical", "+45", "-45", "circular_right", "circular_left", "linear"];

const SOURCE: readonly Field[] = [
  { key: "source_type", label: "Light", kind: "choice", choices: ["ray", "gaussian"], default: "ray" },
  number("wavelength_nm", "Wavelength", "nm", 633),
  { key: "color_hex", label: "Colour", kind: "colour", default: "#DC143C" },
  number("ray_length_mm", "Length", "mm", 1000),
  { key: "polarization_type", label: "Polarisation", kind: "choice", choices: POLARISATIONS, default: "horizontal" },
];
const FAN: readonly Field[] = [
  number("n_rays", "Rays", "", 9), number("size_mm", "Width", "mm", 10), number("spread_deg", "Spread", "± °", 0),
];

const INTERFACES: Readonly<Record<string, readonly Field[]>> = {
  lens: [number("efl_mm", "Focal length", "mm", 100), number("clear_aperture_mm", "Clear aperture", "mm", 0)],
  mirror: [number("reflectivity", "Reflectivity", "%", 100)],
  beam_splitter: [
    { key: "is_polarizing", label: "Polarising", kind: "flag", default: false },
    number("split_T", "Transmits", "%", 50), number("split_R", "Reflects", "%", 50),
    number("pbs_transmission_axis_deg", "Passing axis", "°", 0),
  ],
  dichroic: [
    { key: "pass_type", label: "Passes", kind: "choice", choices: ["longpass", "shortpass"], default: "longpass" },
    number("cutoff_wavelength_nm", "Cutoff", "nm", 550), number("transition_width_nm", "Transition", "nm", 50),
  ],
  refractive_interface: [
    number("n1", "Index n₁", "", 1), number("n2", "Index n₂", "", 1.5),
    { key: "n1_material", label: "Glass 1", kind: "text", default: "" },
    { key: "n2_material", label: "Glass 2", kind: "text", default: "" },
  ],
  waveplate: [number("phase_shift_deg", "Retardance", "°", 90), number("fast_axis_deg", "Fast axis", "°", 0)],
  linear_polarizer: [
    number("transmission_axis_deg", "Passing axis", "°", 0), number("extinction_ratio_db", "Extinction", "dB", 40),
  ],
  faraday_rotator: [number("rotation_angle_deg", "Rotation", "°", 45)],
};
const CURVED: readonly Field[] = [number("radius_of_curvature_mm", "Radius R", "mm", 0)];

/** Fields of the item itself, its position left out. */
export function itemFields(item: Item): readonly Field[] {
  if (item.state.kind !== "source") return [];
  const properties = item.state.properties;
  const beam = properties["source_type"] === "gaussian" ? [number("beam_waist_mm", "Waist w₀", "mm", 0.5)] : FAN;
  const angle = properties["polarization_type"] === "linear" ? [number("polarization_angle_deg", "Its angle", "°", 0)] : [];
  return [...SOURCE, ...angle, ...beam];
}

/** Fields of one of its interfaces; empty for elements that have no parameters or are not known. */
export function interfaceFields(properties: Properties): readonly Field[] {
  const written = typeof properties["element_type"] === "string" ? properties["element_type"] : "refractive_interface";
  const subtype = typeof properties["polarizer_subtype"] === "string" ? properties["polarizer_subtype"] : "waveplate";
  const type = written === "polarizing_interface" ? subtype : written === "beamsplitter" ? "beam_splitter" : written;
  const ofType = (Object.hasOwn(INTERFACES, type) ? INTERFACES[type] : undefined) ?? [];
  const polarising = properties["is_polarizing"] === true;
  const wanted = ofType.filter(({ key }) =>
    key === "pbs_transmission_axis_deg" ? polarising : !(polarising && key.startsWith("split_")));
  return properties["is_curved"] === true ? [...wanted, ...CURVED] : wanted;
}
