"""What tests of exports share with those of imports."""

from tests.doors.conftest import app as app
from tests.doors.conftest import http as http
from tests.doors.conftest import stranger as stranger
from tests.imports.conftest import desk as desk
