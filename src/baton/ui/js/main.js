// Everything that a page does beyond links and forms. Without it, the links and forms remain.
import "./zone.js";
import "./theme.js";
import "./toasts.js";
import "./dialog.js";
import "./undo.js";
import "./filters.js";
import "./composer.js";
import "./copy.js";
import "./live.js";
import "./board.js";
import "./menu.js";
import "./stages.js";
import "./keys.js";
import "./conditions.js";
import "./select.js";
import "./reorder.js";
import "./cells.js";
