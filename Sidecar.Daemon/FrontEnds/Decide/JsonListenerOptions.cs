using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>What a listener for scripts bears.</summary>
internal sealed record JsonListenerOptions
{
    /// <summary>The listener's name, a label value.</summary>
    public required string Name { get; init; }

    /// <summary>Time for one question; a caller's own <c>deadline_ms</c> makes it less.</summary>
    public TimeSpan Budget { get; init; } = ListenerSettings.Budget.Default;

    /// <summary>What happens to a question about an exchange that is not known.</summary>
    public FailureMode UnknownExchange { get; init; } = FailureMode.Closed;

    /// <summary>Header fields of a message that are inspected; one with more is refused.</summary>
    public int MaxHeaders { get; init; } = Defaults.MaxHeaders;

    /// <summary>Bytes of names and values of a message's headers that are inspected; one with more is refused.</summary>
    public int MaxHeaderBytes { get; init; } = Defaults.MaxHeaderBytes;

    /// <summary>
    /// Longest head of a question in bytes: all but the body. Default 1 MiB: the headers of two messages, every byte of them escaped.
    /// </summary>
    public int MaxHeadBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// Most bytes of a body in one question, as of now; larger ones come in parts. Default 1 MiB, as much as an agent is shown; the daemon
    /// makes it as much as the agent takes that takes most.
    /// </summary>
    public Func<int> MaxBodyBytes { get; init; } = static () => (int)AgentSettings.MaxBody.Default;

    /// <summary>Longest question in JSON: the head, and the largest body in base64.</summary>
    public int MaxQuestionBytes => MaxHeadBytes + (int)((MaxBodyBytes() + 2L) / 3 * 4);

    /// <summary>
    /// Longest answer in JSON that refuses; beyond it the default page of its status is shown. Default 2 MiB, which the ready configuration
    /// of njs takes (subrequest_output_buffer_size); a page of 1 MiB may be twice as long with its escapes.
    /// </summary>
    public int MaxRefusalBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>How long a question may take to arrive once it has begun. Default 10 s: a script has it whole before it asks.</summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Questions under way at once. Default 10,000: at 400 ms each, more than a machine answers.</summary>
    public int MaxQuestions { get; init; } = 10_000;

    /// <summary>
    /// Mirrored questions under way at once; beyond it they pass uninspected, counted. Default 256, what one connection to an agent
    /// carries.
    /// </summary>
    public int MaxMirrored { get; init; } = 256;

    /// <summary>Connections at once, where they carry frames.</summary>
    public int MaxConnections { get; init; } = ListenerSettings.MaxConnections.Default;

    /// <summary>How long a new connection may say nothing, where they carry frames.</summary>
    public TimeSpan SilenceTimeout { get; init; } = Defaults.SilenceTimeout;

    /// <summary>
    /// How long an idle connection stays, where they carry frames. Default 10 minutes: the script must be the one who closes.
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromMinutes(10);
}
