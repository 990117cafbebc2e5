namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>Sets fields that may be absent: their setters take no null.</summary>
internal static class Optional
{
    public static void Set<TWire, T>(TWire wire, T? value, Action<TWire, T> set)
        where T : class
    {
        if (value is not null)
        {
            set(wire, value);
        }
    }

    public static void Set<TWire, T>(TWire wire, T? value, Action<TWire, T> set)
        where T : struct
    {
        if (value is { } known)
        {
            set(wire, known);
        }
    }
}
