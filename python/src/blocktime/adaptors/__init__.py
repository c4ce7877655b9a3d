"""Tables in the form that other search programs expect. Each has a module, such as `blocktime.adaptors.ofa`."""
