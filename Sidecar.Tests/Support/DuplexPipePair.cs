using System.IO.Pipelines;

namespace Sidecar.Tests.Support;

/// <summary>Two ends of a connection in memory: what one writes the other reads, in both directions.</summary>
/// <remarks>
/// With the default inline schedulers a flush runs the reader before it returns, on the same thread, so a test sees every effect of what
/// it wrote at once. Pass <see cref="PipeScheduler.ThreadPool"/> to look for races.
/// </remarks>
internal sealed class DuplexPipePair
{
    /// <summary>Connects two ends.</summary>
    /// <param name="scheduler">Where continuations of readers and writers run; inline if null.</param>
    /// <param name="pauseThreshold">Unread bytes per direction from which a flush waits; 0 never waits.</param>
    /// <param name="resumeThreshold">Unread bytes at which it goes on; half of the pause threshold if null.</param>
    public DuplexPipePair(PipeScheduler? scheduler = null, long pauseThreshold = 65_536, long? resumeThreshold = null)
    {
        var options = new PipeOptions(
            readerScheduler: scheduler ?? PipeScheduler.Inline,
            writerScheduler: scheduler ?? PipeScheduler.Inline,
            pauseWriterThreshold: pauseThreshold,
            resumeWriterThreshold: resumeThreshold ?? pauseThreshold / 2,
            useSynchronizationContext: false);
        var toFar = new Pipe(options);
        var toNear = new Pipe(options);
        Near = new End(toNear.Reader, toFar.Writer);
        Far = new End(toFar.Reader, toNear.Writer);
    }

    /// <summary>The end under test.</summary>
    public IDuplexPipe Near { get; }

    /// <summary>The end that the test plays.</summary>
    public IDuplexPipe Far { get; }

    /// <summary>
    /// Closes the near end, both directions: the far reader gets the end of the stream, the far writer a completed flush; with an error
    /// both throw it, as after a reset.
    /// </summary>
    public void CompleteNear(Exception? error = null) => Complete(Near, error);

    /// <summary>Closes the far end, as <see cref="CompleteNear"/> does the near one.</summary>
    public void CompleteFar(Exception? error = null) => Complete(Far, error);

    private static void Complete(IDuplexPipe end, Exception? error)
    {
        end.Output.Complete(error);
        end.Input.Complete(error);
    }

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
