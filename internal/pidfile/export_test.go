package pidfile

// StopWithin is Stop with another patience.
var StopWithin = stop
