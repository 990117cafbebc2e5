namespace Sidecar.Daemon.Inspection;

/// <summary>How a server may read a path where servers in use differ. Each flag is one such difference, and only that.</summary>
/// <remarks>No flag is the reading of RFC 3986 with repeated slashes as one: only what means the same by the standard is made the same.</remarks>
[Flags]
internal enum PathReading
{
    /// <summary>Unreserved escapes decoded, dot segments removed, repeated slashes collapsed first, everything else as it stands.</summary>
    Standard = 0,

    /// <summary>Every escape is decoded, once: <c>%2f</c> separates segments, <c>%40</c> is <c>@</c>.</summary>
    EscapesDecoded = 1,

    /// <summary><c>\</c> separates segments.</summary>
    BackslashSeparates = 2,

    /// <summary>What follows a <c>;</c> in a segment is dropped before dot segments are looked for: <c>..;x</c> goes up.</summary>
    ParametersDropped = 4,

    /// <summary><c>#</c> is part of the path and does not end it.</summary>
    FragmentKept = 8,

    /// <summary>Dot segments are removed before repeated slashes are collapsed: <c>..</c> after <c>//</c> takes away the empty segment.</summary>
    EmptySegmentsCount = 16,

    /// <summary>A <c>;</c> and what follows it in a segment is dropped before escapes are decoded: a <c>%2f</c> behind it separates nothing.</summary>
    ParametersDroppedFirst = 32,
}
