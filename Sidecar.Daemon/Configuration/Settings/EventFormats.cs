using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration.Settings;

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
