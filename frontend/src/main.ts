// The one script of the pages. Each island registers itself and fails alone; every page works
// without any of this.
import "./clock";
import "./confirm";
import "./dial";
import "./live";
import "./offline";
import "./passkey";
import "./patient";
import "./print";
import "./ring";
import "./ringtest";
import "./share";
import "./upload";
import "./waiting";
import "./wake";
import { keepForms } from "./draft";
import { giveBack } from "./keep";
import { startLeftovers } from "./leftovers";
import { startOutbox } from "./outbox";
import { startShell } from "./shell";

keepForms();
giveBack();
startOutbox();
startShell();
startLeftovers();
document.addEventListener("jl:page", keepForms);
document.body.addEventListener("htmx:load", keepForms);
