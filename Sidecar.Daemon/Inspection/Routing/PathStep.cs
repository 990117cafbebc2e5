namespace Sidecar.Daemon.Inspection.Routing;

/// <summary>What a server may do to a path before it looks at it. Servers differ in which of these they do, and in what order.</summary>
internal enum PathStep
{
    /// <summary><c>#</c> ends the path.</summary>
    CutFragment,

    /// <summary>Escapes of unreserved characters are decoded: by RFC 3986 they mean the same.</summary>
    DecodeUnreserved,

    /// <summary>Every escape is decoded, once: <c>%2f</c> separates segments, <c>%40</c> is <c>@</c>.</summary>
    Decode,

    /// <summary><c>\</c> separates segments.</summary>
    TurnBackslashes,

    /// <summary>What follows a <c>;</c> in a segment is dropped: <c>..;x</c> goes up.</summary>
    DropParameters,

    /// <summary>Repeated slashes are one.</summary>
    MergeSlashes,

    /// <summary>
    /// Dot segments are removed (RFC 3986 §5.2.4); <c>..</c> after <c>//</c> takes away the empty segment. The path begins with a slash.
    /// </summary>
    Climb,
}
