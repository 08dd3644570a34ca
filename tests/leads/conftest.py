"""The doors' people, for the tests of this folder."""

from tests.doors.conftest import ana as ana
from tests.doors.conftest import app as app
from tests.doors.conftest import ben as ben
from tests.doors.conftest import boss as boss
from tests.doors.conftest import http as http
