"""Names, installed entry points and references of one's own lead to providers."""

import sys
from pathlib import Path

import pytest

from duroxide_stress.errors import UsageError
from duroxide_stress.providers.base import Provider, StoreFigures, audit_store, store_figures
from duroxide_stress.providers.reference import Reference
from duroxide_stress.providers.registry import PROVIDERS, provider_named, provider_names

MODULE = """
from duroxide_stress.providers.reference import Reference

class Store(Reference):
    name = "store"

class Refusing:
    def __init__(self):
        raise RuntimeError("no server there")

class Half:
    name = "half"
    label = "Half"

class Space:
    Inner = Store

class AllOnTheClass:
    name = label = engine = "x"
    shared = True
    def create(self, directory): return "made"
    def connect(self, address): ...
    def destroy(self, address): ...

def make():
    return Store()

def wants(argument):
    return Store()

def nothing():
    return None

ready = Store()
NUMBER = 5
"""


@pytest.fixture
def own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on the path with a user's modules and an installed package's entry points."""
    (tmp_path / "own_stores.py").write_text(MODULE)
    (tmp_path / "own_broken.py").write_text("raise ValueError('half written')\n")
    (tmp_path / "own_missing_import.py").write_text("import nowhere_to_be_found\n")
    info = tmp_path / "own_stores-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-stores\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[duroxide_stress.providers]\n"
        "own = own_stores:Store\n"
        "own-gone = own_stores:Gone\n"
        "own-broken = own_broken:Store\n"
        "own-number = own_stores:NUMBER\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_built_in_name_makes_a_provider_of_that_name(name: str) -> None:
    """A new one each time, since a provider is made afresh in each process."""
    provider = provider_named(name)
    assert isinstance(provider, Provider)
    assert provider.name == name
    assert provider_named(name) is not provider


@pytest.mark.parametrize("attribute", ["Store", "make", "ready", "Space.Inner"])
def test_a_class_a_function_and_a_ready_object_will_do(own_modules: Path, attribute: str) -> None:
    """Whatever the reference names, a provider comes of it."""
    provider = provider_named(f"own_stores:{attribute}")
    assert isinstance(provider, Provider)
    assert provider.name == "store"


def test_a_class_that_has_everything_is_still_made(own_modules: Path) -> None:
    """A class with every name on it is no provider itself: its methods need an instance."""
    assert provider_named("own_stores:AllOnTheClass").create(own_modules) == "made"


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("own_absent:Store", "module 'own_absent' cannot be imported: No module named"),
        ("own_missing_import:X", "cannot be imported: No module named 'nowhere_to_be_found'"),
        ("own_broken:Store", "importing 'own_broken' failed: ValueError: half written"),
        ("own_stores:Stor", "'own_stores' has no 'Stor'; it has: .*Store"),
        ("own_stores:", "'own_stores' has no ''"),
        ("own_stores:Space.Outer", "'own_stores' has no 'Space.Outer'"),
        (":Store", "cannot be made|importing '' failed"),
        ("own_stores:Refusing", "cannot be made: RuntimeError: no server there"),
        ("own_stores:wants", "cannot be made: TypeError: .*argument"),
        ("own_stores:Half", "not a provider: it has no engine, shared, create, connect, destroy"),
        ("own_stores:nothing", "is not a provider: it has no name"),
        ("own_stores:NUMBER", "is not a provider: it has no name"),
        ("own-gone", "provider 'own-gone' cannot be loaded: AttributeError"),
        ("own-broken", "provider 'own-broken' cannot be loaded: ValueError: half written"),
        ("own-number", "provider 'own-number' is not a provider"),
        ("sqlite-fil", "did you mean 'sqlite-file'.*or a provider of your own as package.module"),
    ],
)
def test_a_bad_reference_is_one_sentence(own_modules: Path, reference: str, sentence: str) -> None:
    """It quotes the reference and says what was found."""
    with pytest.raises(UsageError, match=sentence) as caught:
        provider_named(reference)
    assert repr(reference) in str(caught.value)
    assert len(caught.value.problems) == 1


def test_installed_packages_offer_providers(own_modules: Path) -> None:
    """An entry point's name is listed after the built-in ones and makes its provider."""
    names = provider_names()
    assert names[: len(PROVIDERS)] == list(PROVIDERS)
    assert "own" in names[len(PROVIDERS) :]
    assert provider_named("own").name == "store"


def test_a_provider_without_optional_methods_is_not_asked() -> None:
    """No audit and no size are no error."""
    assert audit_store(Reference(), "virtual") is None
    assert store_figures(Reference(), "virtual") == StoreFigures()
