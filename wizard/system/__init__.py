"""What everything else stands on: errors, paths, durable writes, the network, running a program, cancellation."""
