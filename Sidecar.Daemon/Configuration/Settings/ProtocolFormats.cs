using Sidecar.Protocol.Messages;

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

/// <summary>Values that name events of the agent protocol.</summary>
internal static class EventFormats
{
    /// <summary>A timeout for each of some events, for example <c>request-body:300ms+guardrail:2s</c>.</summary>
    public static ValueFormat<IReadOnlyDictionary<EventKind, TimeSpan>> Timeouts { get; } =
        new("EVENT:DURATION", "", ReadTimeouts, WriteTimeouts) { Choices = "several with +; events as in events=" };

    /// <summary>Some events, for example <c>request-headers+request-body</c>.</summary>
    public static ValueFormat<EventSet> Set { get; } = new("EVENT+EVENT", "", ReadSet, WriteSet) { Choices = EventNames.Known };

    private static bool ReadTimeouts(string text, Action<string> error, out IReadOnlyDictionary<EventKind, TimeSpan> value)
    {
        var timeouts = new Dictionary<EventKind, TimeSpan>();
        var entries = Formats.Parts(text, error);
        var isFine = entries.Length > 0;
        foreach (var entry in entries)
        {
            var colon = entry.IndexOf(':', StringComparison.Ordinal);
            var kind = colon < 0 ? EventKind.None : EventNames.KindOf(entry[..colon].Trim());
            if (kind == EventKind.None || !Durations.TryParse(entry[(colon + 1)..].Trim(), out var duration))
            {
                error($"'{entry}' is not an event and a duration above zero; write for example request-body:300ms; events are "
                    + $"{EventNames.Single}");
                isFine = false;
            }
            else if (!timeouts.TryAdd(kind, duration))
            {
                error($"the timeout of {EventNames.Of(kind)} is given twice");
                isFine = false;
            }
        }

        value = timeouts;
        return isFine;
    }

    private static string WriteTimeouts(IReadOnlyDictionary<EventKind, TimeSpan> value) =>
        string.Join(
            '+', value.OrderBy(static pair => pair.Key).Select(static pair => $"{EventNames.Of(pair.Key)}:{Durations.Format(pair.Value)}"));

    private static bool ReadSet(string text, Action<string> error, out EventSet value)
    {
        value = EventSet.None;
        var names = Formats.Parts(text, error);
        var isFine = names.Length > 0;
        foreach (var name in names)
        {
            var one = name == "all" ? EventSet.All : EventNames.KindOf(name).AsSet();
            if (one == EventSet.None)
            {
                error($"event {name} is none of {EventNames.Known}");
                isFine = false;
            }

            value |= one;
        }

        return isFine;
    }

    private static string WriteSet(EventSet value) => value == EventSet.All
        ? "all"
        : string.Join('+', Enum.GetValues<EventKind>().Where(kind => value.Has(kind)).Select(EventNames.Of));
}

/// <summary>Values that say who may use a socket file.</summary>
internal static class SocketFormats
{
    private const int MostDigits = 4;

    /// <summary>Access rights in octal digits, for example <c>0660</c>.</summary>
    public static ValueFormat<UnixFileMode> Mode { get; } =
        new("OCTAL", "1 to 4 digits", Read, static value => "0" + Convert.ToString((int)value, 8));

    private static bool Read(string text, Action<string> error, out UnixFileMode value)
    {
        var mode = 0;
        var isOctal = text.Length <= MostDigits;
        foreach (var digit in text)
        {
            isOctal &= digit is >= '0' and <= '7';
            mode = (mode * 8) + (digit - '0');
        }

        value = (UnixFileMode)mode;
        if (!isOctal)
        {
            error($"{text} is not an octal file mode such as 0660");
        }

        return isOctal;
    }
}
