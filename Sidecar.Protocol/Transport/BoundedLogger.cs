using Microsoft.Extensions.Logging;

namespace Sidecar.Protocol.Transport;

/// <summary>
/// Hands on what is logged at a pace and in a form that no peer can abuse: so many lines a minute about one thing, each one line, without
/// controls of a terminal, and of bounded length. Safe from any thread.
/// </summary>
/// <remarks>
/// <para>
/// One thing is an event's id, and the agent, listener or path that the line names: these are of the configuration. What is left out is
/// counted and said by the next line about the same. Lines below <see cref="LogLevel.Information"/> are not held back: who asks for them
/// wants all.
/// </para>
/// <para>
/// The last line of defence behind <see cref="LogThrottle"/>, which lets one line a minute through where every request could write one.
/// </para>
/// </remarks>
/// <param name="inner">What writes the lines.</param>
/// <param name="time">The clock.</param>
/// <param name="lines">Lines a minute about one thing.</param>
/// <param name="exempt">The id of an event that is paced where it is written; 0 for none.</param>
/// <param name="exceptions">What is written of exceptions.</param>
internal sealed class BoundedLogger(
    ILogger inner,
    TimeProvider time,
    int lines = BoundedLogger.Lines,
    int exempt = 0,
    LoggedException exceptions = LoggedException.AsIs) : ILogger
{
    /// <summary>Lines a minute about one thing unless something else is said: as many as changes of an agent are logged.</summary>
    public const int Lines = 10;

    /// <summary>Longest line, in characters: the longest messages of ours with the longest text of a peer in them.</summary>
    public const int MaxLine = 4096;

    /// <summary>Longest text of an exception with its stack, in characters.</summary>
    public const int MaxException = 8192;

    private static readonly string[] Subjects = ["Agent", "Listener", "Path", "Rung"];

    private readonly LogThrottle _throttle = new(time, lines);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var more = 0L;
        if (!inner.IsEnabled(logLevel)
            || (logLevel >= LogLevel.Information && (exempt == 0 || eventId.Id != exempt)
                && !_throttle.MayLog(ThingOf(eventId, state), out more)))
        {
            return;
        }

        var text = PeerText.Clean(formatter(state, exception), MaxLine);
        if (more > 0)
        {
            text = $"{text} ({more} more such lines were left out)";
        }

        if (exception is not null && exceptions != LoggedException.AsIs)
        {
            text = $"{text}: {TextOf(exception)}";
            exception = null;
        }

        inner.Log(logLevel, eventId, state, exception, (_, _) => text);
    }

    private string TextOf(Exception exception) => exceptions == LoggedException.OneLine
        ? PeerText.Clean($"{exception.GetType().Name}: {exception.Message}")
        : PeerText.Clean(exception.ToString().ReplaceLineEndings(" "), MaxException);

    private static string ThingOf<TState>(EventId id, TState state)
    {
        if (state is IReadOnlyList<KeyValuePair<string, object?>> values)
        {
            foreach (var (name, value) in values)
            {
                if (Array.IndexOf(Subjects, name) >= 0)
                {
                    return $"{id.Id} {value}";
                }
            }
        }

        return $"{id.Id}";
    }
}

/// <summary>What a <see cref="BoundedLogger"/> writes of an exception.</summary>
internal enum LoggedException
{
    /// <summary>The exception goes on as it is: what writes the lines decides.</summary>
    AsIs,

    /// <summary>Its kind and message.</summary>
    OneLine,

    /// <summary>All of it, in one line.</summary>
    WithStack,
}
