namespace Sidecar.Daemon.Hosting;

/// <summary>A listener cannot have its socket. The message names the path, what is wrong and what to do.</summary>
internal sealed class ListenerSocketException(string message, Exception? inner = null) : IOException(message, inner);
