"""The part of Go's text/template that people use with ``--format``, over JSON documents and the rows of listings.

Read: ``{{.A.B}}``, ``$``, variables, pipelines, parentheses, literals, comments, trim markers, ``if``/``else if``, ``range``
(with variables and ``else``), ``with``, ``break``, ``continue``. Not read: ``define``, ``template``, ``block`` - a command line has only one template.
Source: https://pkg.go.dev/text/template, and docker's own functions (templates.go of its command line).
"""

from pyctl.app.format.gotemplate.evaluate import Template
from pyctl.app.format.gotemplate.values import NO_VALUE, Row, Value

__all__ = ["NO_VALUE", "Row", "Template", "Value"]
