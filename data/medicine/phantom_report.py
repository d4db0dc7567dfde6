"""The phantom's short English reports: one sign among sentences that say nothing, in varied words.

A report never names a lesion type or a shape: by itself it leaves open one type for each shape. Each begins
with the word Synthetic, whatever else it says.
"""

import numpy as np

_PHRASES = {
    "fever": (
        "a high temperature for {days} days", "fever in the evenings", "feeling hot and shivering",
        "a raised temperature with chills", "bouts of fever for {days} days", "being feverish at night",
    ),
    "cough": (
        "a dry cough for {days} days", "coughing at night", "a cough that keeps coming back",
        "fits of coughing", "a harsh cough in the mornings", "coughing after every stair",
    ),
    "pain": (
        "a stabbing pain in the chest", "an ache behind the breastbone", "chest pain for {days} days",
        "soreness of the chest when breathing in", "a dull ache in the chest", "sharp pains under the ribs",
    ),
    "loss": (
        "losing {days} kilograms without a diet", "unwanted weight loss", "clothes that have become too wide",
        "having lost weight since spring", "a falling body weight", "steady loss of weight",
    ),
}  # fmt: skip
_TELLS = (
    "The patient reports {sign}.", "Seen for {sign}.", "Main complaint: {sign}.", "History of {sign}.",
    "Comes because of {sign}.", "The visit was made for {sign}.",
)  # fmt: skip
_ASIDES = (
    "Works in an office.", "Lives with two children.", "No earlier pictures to compare with.",
    "Came by bus.", "The picture was taken standing.", "Seen on the ward round.",
    "No known allergies.", "A follow-up visit is booked.", "Was referred by the family doctor.",
    "The quality of the picture is good.", "Takes no regular medicine.", "Is a keen gardener.",
    "Slept well before the visit.", "Speaks two languages.",
)  # fmt: skip


def write(sign: str, random: np.random.Generator) -> str:
    """One report that tells the sign, among one to three sentences that tell nothing.

    Raises:
        ValueError: an unknown sign.
    """
    if sign not in _PHRASES:
        raise ValueError(f"expected a sign of {', '.join(_PHRASES)} (got {sign!r})")
    phrase = str(random.choice(_PHRASES[sign])).format(days=random.integers(2, 10))
    told = str(random.choice(_TELLS)).format(sign=phrase)
    asides = [str(aside) for aside in random.choice(_ASIDES, random.integers(1, 4), replace=False)]
    asides.insert(int(random.integers(0, len(asides) + 1)), told)
    return " ".join(["Synthetic report.", *asides])
