namespace Sidecar.Daemon;

/// <summary>The entry point of the command <c>sidecar</c>.</summary>
internal static class Program
{
    private static int Main() => 0;
}
