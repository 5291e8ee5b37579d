// Command does-nothing takes any flags, does nothing and calls it a success.
package main

func main() {}
