"""What Sphinx reads: the same for the readers' pages and for all of them."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any

from tinyvae.teaching.site import equations, formulas

project = "tinyvae"
author = "the tinyvae authors"
project_copyright = author
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]

# The notebooks' stored outputs are the site's; nothing runs.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, Any] = {}  # or pages ask a network for them
nb_merge_streams = True
nb_code_prompt_show = "Show the {type}"
nb_code_prompt_hide = "Hide the {type}"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 3

napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_param = False
napoleon_use_rtype = False
# Their docstrings are read where the library of an extra is not installed, too.
autodoc_mock_imports = [
    name
    for name in ("torch", "sklearn", "onnx", "safetensors", "tensorboardX", "joblib", "distributed")
    if find_spec(name) is None
]
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_type_aliases = {"Array": "Array", "ArrayLike": "ArrayLike", "DTypeLike": "DTypeLike"}
add_module_names = False
python_use_unqualified_type_names = True
nitpicky = True
# Types in signatures are the standard library's, NumPy's and some that have no page.
nitpick_ignore_regex = [("py:class", ".*"), ("py:data", ".*")]

html_theme = "pydata_sphinx_theme"
html_title = "tinyvae"
html_math_renderer = "mathml"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
# A page opened as a file may not fetch others to quote them.
html_show_search_summary = False
html_static_path = ["looks"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navigation_with_keys": False,
    "collapse_navigation": True,
    "show_nav_level": 1,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
}


def plain_types(*event: Any) -> tuple[str | None, str | None]:
    """Return a signature in which an alias inside of another type has its own name."""
    arguments, returned = (
        re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", text) if text else text
        for text in event[-2:]
    )
    return arguments, returned


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx of formulas and of equations."""
    app.add_html_math_renderer(
        "mathml", (formulas.visit_inline, None), (formulas.visit_displayed, None)
    )
    app.equations = equations.places()
    app.add_role("equation", equations.role)
    app.connect("autodoc-process-docstring", equations.link_docstring)
    app.connect("autodoc-process-signature", plain_types)
    app.connect("autodoc-skip-member", equations.skip_foreign)
    app.connect("doctree-read", equations.do_not_guess)
    app.connect("missing-reference", equations.resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
