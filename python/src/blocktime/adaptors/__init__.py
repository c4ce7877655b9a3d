"""Tables in the form that other searches expect: a module for each, imported by its name, such as `blocktime.adaptors.ofa`."""
