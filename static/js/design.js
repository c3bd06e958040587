// The page of components: its meters move.

import "./widgets/meter.js";
import { feedSamples } from "./widgets/sample.js";

feedSamples(document);
