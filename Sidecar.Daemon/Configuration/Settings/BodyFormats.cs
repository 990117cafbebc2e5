namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>How a body is shown.</summary>
/// <param name="Mode">Collected, streamed, or both.</param>
/// <param name="Threshold">In hybrid mode: bytes collected before the first event.</param>
internal readonly record struct BodyShape(BodyMode Mode, int Threshold);

/// <summary>Values that say how a body is shown.</summary>
internal static class BodyFormats
{
    /// <summary>Bytes collected in hybrid mode where none are said: 64 KiB, the protocol's own default.</summary>
    public const int HybridThreshold = 64 * 1024;

    private const string Hybrid = "hybrid";
    private const int MaxThreshold = 1 << 30;

    private static readonly ValueFormat<BodyMode> Modes = Formats.Names<BodyMode>();

    /// <summary><c>buffer</c>, <c>stream</c>, <c>hybrid</c> or <c>hybrid:64KiB</c>.</summary>
    public static ValueFormat<BodyShape> Mode { get; } = new($"{Modes.Placeholder}[:SIZE]", "SIZE up to 1GiB", Read, Write);

    private static bool Read(string text, Action<string> error, out BodyShape value)
    {
        if (!text.StartsWith(Hybrid + ":", StringComparison.Ordinal))
        {
            var isMode = Modes.TryRead(text, error, out var mode);
            value = new(mode, HybridThreshold);
            return isMode;
        }

        if (ByteSizes.TryParse(text[(Hybrid.Length + 1)..], out var threshold) && threshold <= MaxThreshold)
        {
            value = new(BodyMode.Hybrid, (int)threshold);
            return true;
        }

        value = default;
        error($"{text} does not name a size up to 1GiB; write hybrid:64KiB");
        return false;
    }

    private static string Write(BodyShape value) =>
        value.Mode == BodyMode.Hybrid ? $"{Hybrid}:{ByteSizes.Format(value.Threshold)}" : Modes.Write(value.Mode);
}
