"""Formulas in LaTeX: what `symbols` prints, read again and set as mathematics.

A formula is read by its own small grammar. `·` (element by element) becomes a dot, `@` two factors side by side, `/` a fraction,
[condition] stays Iverson's bracket, and what a program calls things stands upright. A text that is no formula is set as words, so
that the result is always balanced, and understood by LaTeX, MathJax, KaTeX and matplotlib alike.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉ₜ₋₊", "0123456789t-+")
RAISED, LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "₀₁₂₃₄₅₆₇₈₉ₜ₋₊"
LETTER = rf"(?:[^\W{RAISED}ᵀᴴΣ]|[₋₊])"
TOKEN = re.compile(
    rf"""\s*(?:
    (?P<quoted>"[^"]*")
    |(?P<range>[+−-]?\d*:(?:[−-]?\d+)?(?::[−-]?\d+)?)
    |(?P<number>(?:\d+\.\d+|\d+)(?:e[+−-]?\d+)?j?(?![\w.]))
    |(?P<name>(?:\d+\.)*(?!\d){LETTER}+(?:\.{LETTER}+)*)
    |(?P<raised>[{RAISED}]+|ᵀ|ᴴ)
    |(?P<sum>Σ[{LOWERED}]*)
    |(?P<sign>[-+−·@/=≠<>≤≥^()\[\]|√,∂…])
    )""",
    re.VERBOSE,
)
FUNCTIONS = frozenset("exp log sin cos tan sinh cosh tanh max min det".split())
GREEK = dict(zip("αβγδεθλμρστφψωΓΔΘΛΦΨΩπ", "alpha beta gamma delta varepsilon theta lambda mu rho sigma tau phi psi omega "
    "Gamma Delta Theta Lambda Phi Psi Omega pi".split(), strict=True))  # fmt: skip
RELATIONS = {"=": "=", "≠": r"\neq", "<": "<", ">": ">", "≤": r"\leq", "≥": r"\geq"}
TIMES = {"·": r"\cdot", "@": r"\,"}
WORDS = frozenset(("and", "or", "not"))
SPECIAL = {c: f"\\{c}" for c in "{}$%_"} | {
    "&": r"\ and\ ",
    "#": r"\sharp ",
    "\\": r"\backslash ",
    "^": r"\wedge ",
    "~": r"\sim ",
    "'": "’",
    '"': "”",
    "`": "‘",
    " ": r"\ ",
}
MOST = 120  # characters of a text that is no formula
DEEP = 60  # parentheses in parentheses: more is no formula


@lru_cache(maxsize=4096)
def to_latex(formula_text: str) -> str:
    """A printed formula in LaTeX's mathematics, without the dollar signs around it."""
    try:
        return _Reader(formula_text).whole()
    except _NoFormula:
        name, equals, meaning = formula_text.partition(" = ")
        return f"{to_latex(name)} = {words(meaning)}" if equals and meaning.strip() else words(formula_text)


def words(text: str) -> str:
    """Any text, upright, with everything that means something in LaTeX escaped; what cannot be seen is left out, and what is too long."""
    seen = "".join(" " if c.isspace() else c for c in text[: 2 * MOST] if c.isspace() or unicodedata.category(c)[0] not in "CZ").strip()
    cut = seen[: MOST - 1] + "…" if len(seen) > MOST or len(text) > 2 * MOST else seen
    return f"\\mathrm{{{''.join(SPECIAL.get(c, c) for c in cut) or '…'}}}"


class _NoFormula(Exception):
    """The text is not of the grammar."""


class _Reader:
    """Reads one formula; each method what its name says, from where the last one stopped."""

    def __init__(self, text: str):
        self.tokens: list[tuple[str, str]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise _NoFormula
            self.tokens.append((str(found.lastgroup), found[0].strip()))
            at = found.end()
        self.tokens.append(("end", ""))
        self.at = 0
        self.depth = 0

    def whole(self) -> str:
        made = self.condition()
        if self.tokens[self.at][0] != "end":
            raise _NoFormula
        return made

    def next_is(self, *signs: str) -> bool:
        return self.tokens[self.at][1] in signs and self.tokens[self.at][0] != "end"

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def expect(self, sign: str) -> None:
        if not self.next_is(sign):
            raise _NoFormula
        self.at += 1

    def condition(self) -> str:
        self.depth += 1
        if self.depth > DEEP:
            raise _NoFormula
        parts = [self.comparison()]
        while self.next_is("and", "or"):
            parts += [rf"\ \mathrm{{{self.take()}}}\ ", self.comparison()]
        self.depth -= 1
        return "".join(parts)

    def comparison(self) -> str:
        before = ""
        while self.next_is("not"):
            before += rf"\mathrm{{{self.take()}}}\ "
        made = self.terms()
        while self.next_is(*RELATIONS):
            made += f" {RELATIONS[self.take()]} {self.terms()}"
        return before + made

    def terms(self) -> str:
        made = self.product()
        while self.next_is("+", "−", "-"):
            made += " + " if self.take() == "+" else " - "
            made += self.product()
        return made

    def product(self) -> str:
        made = self.signed()
        while self.next_is("·", "@", "/"):
            sign, right = self.take(), self.signed()
            if sign == "/":
                minus, over = ("-", made[1:]) if made.startswith("-") else ("", made)
                made = rf"{minus}\frac{{{bare(over)}}}{{{bare(right)}}}"
            else:
                made = f"{made} {TIMES[sign]} {right}"
        return made

    def signed(self) -> str:
        minus = ""
        while self.next_is("−", "-"):
            self.at += 1
            minus += "-"
        return minus + self.raised()

    def raised(self) -> str:
        """An atom and what stands at its upper right."""
        base = self.atom()
        exponent = ""
        while True:
            kind, text = self.tokens[self.at]
            if kind == "raised":
                self.at += 1
                exponent += r"\top" if text == "ᵀ" else r"\mathrm{H}" if text == "ᴴ" else text.translate(SUPERSCRIPTS)
            elif text == "^" and kind == "sign":
                self.at += 1
                exponent += bare(self.atom())
            elif text == "[" and kind == "sign":
                self.at += 1
                base = f"{raised(base, exponent)}\\left[{self.index()}\\right]"
                exponent = ""
            else:
                return raised(base, exponent)

    def atom(self) -> str:
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return number(text)
        if kind == "range":
            return text.replace("−", "-").replace(":", "{:}")
        if kind == "quoted":
            return words(text.strip('"'))
        if kind == "sum":
            lower = dimensions(text[1:])
            return rf"\sum{f'_{{{lower}}}' if lower else ''} {self.raised()}"
        if kind == "name" and text not in WORDS:
            called = self.next_is("(")
            made = function(text) if called else name(text)
            return made + self.arguments() if called else made
        if text == "(":
            inside = self.condition()
            self.expect(")")
            return rf"\left({inside}\right)"
        if text == "[":
            return rf"\left[{self.index()}\right]"
        if text == "|":
            inside = self.condition()
            self.expect("|")
            return rf"\left|{inside}\right|"
        if text == "√":
            return rf"\sqrt{{{bare(self.atom())}}}"
        if text == "∂":
            return rf"\partial {self.atom()}"
        if text == "…":
            return r"\ldots"
        raise _NoFormula

    def index(self) -> str:
        """What stands in brackets, a condition or an index, up to where they are closed."""
        parts = [self.condition()]
        while self.next_is(","):
            self.at += 1
            parts.append(self.condition())
        self.expect("]")
        return ", ".join(parts)

    def arguments(self) -> str:
        """What a function is given: formulas, or words such as "from the end"."""
        self.expect("(")
        parts = []
        while not self.next_is(")"):
            start, depth = self.at, self.depth
            try:
                part = self.condition()
                if not self.next_is(",", ")"):
                    raise _NoFormula
            except _NoFormula:
                self.at, self.depth = start, depth
                said = []
                while self.tokens[self.at][0] == "name":
                    said.append(self.take())
                if not said:
                    raise
                part = words(" ".join(said))
            parts.append(part)
            if not self.next_is(")"):
                self.expect(",")
        self.expect(")")
        return rf"\left({', '.join(parts)}\right)"


def bare(made: str) -> str:
    r"""What stands in a pair of parentheses, without them: \left( … \right) around the whole of it."""
    if not (made.startswith(r"\left(") and made.endswith(r"\right)")):
        return made
    inside, depth = made[6:-7], 0
    for found in re.finditer(r"\\left[(\[|]|\\right[)\]|]", inside):
        depth += 1 if found[0].startswith(r"\left") else -1
        if depth < 0:  # the first of them is closed before the last one is opened
            return made
    return inside


def raised(base: str, exponent: str) -> str:
    r"""base^{exponent}; √x, Σ x and the like in parentheses."""
    if not exponent:
        return base
    return rf"\left({base}\right)^{{{exponent}}}" if base.startswith((r"\sum", r"\partial", r"\frac")) else f"{base}^{{{exponent}}}"


def number(text: str) -> str:
    """A number, with a power of ten where it has one."""
    digits, e, exponent = text.rstrip("j").partition("e")
    made = rf"{digits} \cdot 10^{{{int(exponent.replace('−', '-'))}}}" if e else digits
    return rf"{made} \mathrm{{i}}" if text.endswith("j") else made


def name(text: str) -> str:
    """A variable: a letter slanted, longer names upright, small digits as an index; g_values is the gradient g of values."""
    if text.startswith("g_"):
        return f"g_{{{words(text[2:])}}}"
    stem = text.rstrip(LOWERED)
    lower = text[len(stem) :].translate(SUBSCRIPTS)
    if not stem:
        return words(text)
    made = f"\\{GREEK[stem]}" if stem in GREEK else stem if len(stem) == 1 and stem.isascii() and stem.isalpha() else words(stem)
    return f"{made}_{{{lower}}}" if lower else made


def function(text: str) -> str:
    """What stands before an opening parenthesis."""
    stem = text.rstrip(LOWERED)
    made = f"\\{stem}" if stem in FUNCTIONS else r"\sigma" if stem == "sigmoid" else name(stem)
    return f"{made}_{{{dimensions(text[len(stem) :])}}}" if stem and stem != text else made


def dimensions(small: str) -> str:
    """The dimensions that the small digits at a function's name stand for; other indices as they are."""
    told = small.translate(SUBSCRIPTS)
    return ",".join(re.findall(r"-?\d", told)) if re.fullmatch(r"(-?\d)+", told) else told
