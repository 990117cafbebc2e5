using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Spop;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>What a spop listener bears and carries.</summary>
internal sealed record SpopListenerOptions
{
    /// <summary>
    /// Bytes of an unfinished frame that every connection may keep, whatever the others do: a whole frame of HAProxy's default size.
    /// </summary>
    public const int FreePartialBytes = 16 * 1024;

    /// <summary>
    /// Bytes of one connection that are read from its socket ahead of us, for example while as many messages as may be are in work.
    /// </summary>
    public const int ReadAhead = 64 * 1024;

    /// <summary>The listener's name, a label value.</summary>
    public required string Name { get; init; }

    /// <summary>Time for one phase: HAProxy's <c>timeout processing</c> of 200 ms less 20 %.</summary>
    public TimeSpan Budget { get; init; } = ListenerSettings.Budget.DefaultFor("spop");

    /// <summary>Whether HAProxy is configured to ask about responses too; when not, an exchange ends with its request (rule 13).</summary>
    public bool HasResponsePhase { get; init; } = true;

    /// <summary>What happens to a response of which no request is known.</summary>
    public FailureMode UnknownExchange { get; init; } = FailureMode.Closed;

    /// <summary>How header changes are told.</summary>
    public HeaderForm HeaderForm { get; init; }

    /// <summary>With <see cref="HeaderForm.Names"/>: request headers that only agents may set.</summary>
    public IReadOnlyList<string> SetHeaders { get; init; } = [];

    /// <summary>With <see cref="HeaderForm.Names"/>: request headers that agents may change or remove.</summary>
    public IReadOnlyList<string> EditHeaders { get; init; } = [];

    /// <summary>With <see cref="HeaderForm.Names"/>: response headers that agents may set or remove.</summary>
    public IReadOnlyList<string> ResponseHeaders { get; init; } = [];

    /// <summary>
    /// HAProxy's <c>option var-prefix</c>: its length counts against the 63 bytes of a variable's name (proxy integration §1.6).
    /// </summary>
    public string VariablePrefix { get; init; } = ListenerSettings.VariablePrefix.Default!;

    /// <summary>Header fields of a message that are inspected; one with more is refused.</summary>
    public int MaxHeaders { get; init; } = Defaults.MaxHeaders;

    /// <summary>Bytes of names and values of a message's headers that are inspected; one with more is refused.</summary>
    public int MaxHeaderBytes { get; init; } = Defaults.MaxHeaderBytes;

    /// <summary>
    /// Connections at once. HAProxy opens one per 20 messages in flight and thread; one more is told
    /// <see cref="SpopStatus.ResourceAllocation"/>.
    /// </summary>
    public int MaxConnections { get; init; } = ListenerSettings.MaxConnections.DefaultFor("spop");

    /// <summary>
    /// Messages in work on one connection: 256, above the 20 of HAProxy. While there are so many, nothing more is read from it.
    /// </summary>
    public int MaxInFlight { get; init; } = 256;

    /// <summary>The largest frame we agree to, in bytes.</summary>
    public int MaxFrameSize { get; init; } = (int)ListenerSettings.MaxFrame.Default;

    /// <summary>
    /// Bytes of unfinished frames on all connections beyond <see cref="FreePartialBytes"/> of each: 64 MiB, as many as 64 of the largest
    /// frames have. A connection that would exceed it is told <see cref="SpopStatus.ResourceAllocation"/>.
    /// </summary>
    public long MaxPartialBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Fragments kept on one connection. Their bytes count against the daemon's body memory too.</summary>
    public SpopFragmentLimits Fragments { get; init; } = new();

    /// <summary>Unsent bytes of one connection: 1 MiB, more than all answers to what HAProxy keeps in flight.</summary>
    public int MaxUnsent { get; init; } = 1024 * 1024;

    /// <summary>How long a new connection may take to say HELLO: 5 s; HAProxy says it at once.</summary>
    public TimeSpan HelloTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a frame or a fragmented message may take to arrive: 10 s; HAProxy gives up after <c>timeout processing</c>.
    /// </summary>
    public TimeSpan FrameTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long HAProxy may leave our answers unread: 5 s, far above its patience for any of them.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long we go on reading after our goodbye: 1 s; HAProxy closes as soon as it has read that.</summary>
    public TimeSpan LeaveTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long an idle connection stays: 10 minutes. HAProxy has to be the one who closes, or it may ask into a connection that just went.
    /// </summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(10);
}
