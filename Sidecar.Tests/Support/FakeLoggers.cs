using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Sidecar.Tests.Support;

/// <summary>Gives every category a <see cref="FakeLogger"/> over one collector: for hosts, and wherever a logger factory is asked for.</summary>
internal sealed class FakeLoggers : ILoggerProvider, ILoggerFactory
{
    /// <summary>What all categories logged, in order.</summary>
    public FakeLogCollector Collector { get; } = new();

    /// <inheritdoc cref="ILoggerProvider.CreateLogger"/>
    public ILogger CreateLogger(string categoryName) => new FakeLogger(Collector, categoryName);

    /// <summary>What one category logged.</summary>
    public IReadOnlyList<FakeLogRecord> Of<T>() => [.. Collector.GetSnapshot().Where(static record => record.Category == typeof(T).FullName)];

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("this factory only records; build a LoggerFactory and add it to that");

    /// <summary>Nothing to release: what was logged stays readable.</summary>
    public void Dispose()
    {
    }
}

/// <summary>What tests ask of a collector.</summary>
internal static class FakeLogCollectorExtensions
{
    /// <summary>The first record that matches, logged already or yet to come.</summary>
    /// <param name="collector">Where it is looked for.</param>
    /// <param name="matches">Which.</param>
    /// <param name="limit">A generous limit, for example 30 s of real time; only a failing test uses it up.</param>
    /// <exception cref="TimeoutException">None came; the message lists those that did.</exception>
    public static async Task<FakeLogRecord> WaitForAsync(this FakeLogCollector collector, Func<FakeLogRecord, bool> matches, TimeSpan limit)
    {
        FakeLogRecord? found = null;
        try
        {
            await Eventually.TrueAsync(() => (found = collector.GetSnapshot().FirstOrDefault(matches)) is not null, limit, "a line in the log");
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException(string.Join('\n', collector.GetSnapshot().Select(static record => $"{record.Level} {record.Id.Id} {record.Message}").Prepend(e.Message)));
        }

        return found!;
    }
}
