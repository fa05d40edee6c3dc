"""What a module links in beside its routines: native functions, functions of strings, literals."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from runtime.codegen.blocks import function_ir, native_words
from runtime.datatypes.texts import TEXTS, Text
from runtime.engine.native import LLVM_TYPES, Signature, exported_ir
from runtime.model.program import CallText
from runtime.stdlib.declare import StandardFunction
from runtime.stdlib.text import TextFunction

_WORDS = {"LINT": "i64", "LREAL": "f64"}


@dataclass(slots=True)
class Linked:
    """Collected while the routines are emitted."""

    natives: dict[str, StandardFunction] = field(default_factory=dict)
    """The native functions that are called, by name."""
    texts: dict[str, tuple[TextFunction, Signature]] = field(default_factory=dict)
    """The functions of strings that are called, by the symbol of each width."""
    literals: dict[bytes, str] = field(default_factory=dict)
    """Constant strings as they stand in memory, with their symbols."""
    has_lanes: bool = False
    """Whether turns of a loop run side by side (`lanes`)."""

    def literal(self, image: bytes) -> str:
        """Return the symbol of a constant string."""
        return self.literals.setdefault(image, f"@text.{len(self.literals)}")

    def text_function(self, call: CallText) -> str:
        """Return the symbol of a function of strings, compiled for the widths of a call."""
        units = [item.type for item in (call, *call.arguments) if isinstance(item.type, Text)]
        symbol, signature = _symbol_and_signature(call.function, [_pointer(item) for item in units])
        self.texts[symbol] = (call.function, signature)
        return symbol

    def declarations(self) -> Iterable[str]:
        """Yield the LLVM text that declares all of them, and the literals themselves."""
        for native in self.natives.values():
            result = "double" if native.result == "LREAL" else "i64"
            words = ", ".join(native_words(native))
            yield f'declare {result} @"function.{native.name}"({words})'
        for symbol, (_, signature) in self.texts.items():
            words = ", ".join(LLVM_TYPES[word] for word in signature.arguments)
            yield f'declare {LLVM_TYPES[signature.result]} @"{symbol}"({words})'
        for image, symbol in self.literals.items():
            content = "".join(f"\\{byte:02X}" for byte in image)
            yield f'{symbol} = internal constant [{len(image)} x i8] c"{content}", align 4'

    def definitions(self) -> Iterable[str]:
        """Yield the LLVM text of each function, made by numba."""
        for native in self.natives.values():
            yield function_ir(native)
        for symbol, (function, signature) in self.texts.items():
            yield exported_ir(function.body, signature, symbol)


def _pointer(text: Text) -> str:
    return f"p{text.character.bits}"


def _symbol_and_signature(function: TextFunction, pointers: Sequence[str]) -> tuple[str, Signature]:
    """Return the symbol and the signature of a function of strings.

    Args:
        function: The function.
        pointers: The native words of its result, where that is a string, and of its strings.
    """
    left = iter(pointers)
    words = [next(left), "i64"] if function.gives_text else []
    for parameter in function.parameters:
        words += [_WORDS[parameter.type]] if parameter.type in _WORDS else [next(left), "i64"]
    widths = "".join(word[1:] for word in words if word.startswith("p"))
    result = "f64" if function.result == "LREAL" else "i64"
    return f"text.{function.name}.{widths}", Signature(result, tuple(words))


def text_signatures(
    function: TextFunction, sources: Iterable[str] = tuple(TEXTS)
) -> Iterator[tuple[str, Signature]]:
    """Yield symbol and signature of a function for each type of strings that it is applied to."""
    strings = sum(parameter.type not in _WORDS for parameter in function.parameters)
    for name in sources:
        pointers = [_pointer(TEXTS[name])] * strings
        if function.gives_text:
            pointers.insert(0, _pointer(TEXTS.get(function.result, TEXTS[name])))
        yield _symbol_and_signature(function, pointers)
