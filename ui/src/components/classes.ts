// Class names, the later of two that contradict each other winning.

import { type ClassValue, clsx } from "clsx";
import { twMerge } from "tailwind-merge";

export const cx = (...names: ClassValue[]) => twMerge(clsx(names));
