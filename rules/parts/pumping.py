"""What a pump does by its own design: efficiency, and head and efficiency by flow.

    η = 0.002725 × Q × H / P            Q in m³/h, H in m, P in kW: ρ g Q H, ρ = 1000 kg/m³

The curves through a design point (Q₁, H₁, P₁), as EPANET draws one of a single point (EPANET 2.2
User Manual, 3.1 Physical components, pumps): a parabola that is flat at no flow,

    H(Q) = s H₁ − (s − 1) H₁ (Q / Q₁)²       s: shut-off head over design head, 4/3 there
    η(Q) = η₁ × (2 Q/Q₁ − (Q/Q₁)²)           nothing at no flow, best at the design point
"""

import numpy as np

from kel.model.frame import Float64

KWH_PER_M3_M = 0.002725
SHUT_OFF = 4 / 3
LEAST_POWER = 0.001  # kW; a pump that takes no more stands still


def efficiency(flow: Float64, head: Float64, power: Float64) -> Float64:
    """Hydraulic over electric power, NaN where none is taken."""
    return np.where(power > 0, KWH_PER_M3_M * flow * head / np.where(power > 0, power, 1), np.nan)


def curve_head(
    flow: Float64, design_flow: Float64 | float, design_head: Float64 | float, s: float
) -> Float64:
    """Head (m) of the curve at each flow; NaN beyond where the curve ends."""
    head = design_head * (s - (s - 1) * (flow / design_flow) ** 2)
    return np.where(head > 0, head, np.nan)


def curve_efficiency(flow: Float64, design_flow: Float64 | float, best: Float64 | float) -> Float64:
    """Efficiency of the curve at each flow; NaN beyond twice the design flow, where it ends."""
    share = flow / design_flow
    found = best * (2 * share - share**2)
    return np.where(found > 0, found, np.nan)
