using Microsoft.Extensions.Logging;

namespace Sidecar.Tests.Support;

/// <summary>One line that was logged.</summary>
/// <param name="Category">The logger's category.</param>
/// <param name="Level">Its level.</param>
/// <param name="EventId">Its number and name.</param>
/// <param name="Message">The message with its values filled in.</param>
/// <param name="Exception">The exception logged with it, if any.</param>
/// <param name="State">The named values of the message, with <c>{OriginalFormat}</c>.</param>
internal sealed record LogEntry(
    string Category,
    LogLevel Level,
    EventId EventId,
    string Message,
    Exception? Exception,
    IReadOnlyList<KeyValuePair<string, object?>> State)
{
    /// <summary>The value of a name in the message; null if it has none.</summary>
    public object? this[string name] => State.FirstOrDefault(pair => pair.Key == name).Value;

    /// <inheritdoc/>
    public override string ToString() => $"{Level} {Category} {EventId.Id} {EventId.Name}: {Message} {Exception?.Message}";
}
