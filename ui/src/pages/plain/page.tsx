import { useEffect } from "react";
import { root } from "@/api/client";
import { Waiting } from "@/components/state";

// Hands the address over to the plain pages, which show it until the dashboard does.
export default function Plain() {
  useEffect(() => location.replace(`${root}/home${location.hash}`), []);
  return <Waiting />;
}
