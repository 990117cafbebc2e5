namespace Sidecar.Daemon.Configuration;

/// <summary>Every default, each with its reason. Help and docs/operations.md show the same values.</summary>
internal static class Defaults
{
    /// <summary>Time for one phase of an exchange: 400 ms, what is left of nginx's 500 ms less 20 %.</summary>
    public static readonly TimeSpan PhaseBudget = TimeSpan.FromMilliseconds(400);

    /// <summary>Time for one phase behind HAProxy: 160 ms, its usual <c>timeout processing</c> of 200 ms less 20 %.</summary>
    public static readonly TimeSpan SpopBudget = TimeSpan.FromMilliseconds(160);

    /// <summary>Time for one message of Envoy: 160 ms, its own 200 ms less 20 %.</summary>
    public static readonly TimeSpan EnvoyBudget = TimeSpan.FromMilliseconds(160);

    /// <summary>Longest wait for an answer about headers: 120 ms, so that two agents in sequence fit into a proxy's patience of 200–500 ms.</summary>
    public static readonly TimeSpan HeaderTimeout = TimeSpan.FromMilliseconds(120);

    /// <summary>Longest wait for an answer about a body: 400 ms, a whole phase, because bodies take work.</summary>
    public static readonly TimeSpan BodyTimeout = TimeSpan.FromMilliseconds(400);

    /// <summary>Connect and handshake: 5 s, the protocol's own default.</summary>
    public static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Shortest wait before dialling again: 10 ms, because a local agent that restarts is back at once.</summary>
    public static readonly TimeSpan ReconnectMin = TimeSpan.FromMilliseconds(10);

    /// <summary>Longest wait before dialling again: 2 s, so that a late agent is not missed for long.</summary>
    public static readonly TimeSpan ReconnectMax = TimeSpan.FromSeconds(2);

    /// <summary>Shortest wait before dialling an agent on another machine again: 100 ms, because many daemons may miss it at the same time.</summary>
    public static readonly TimeSpan RemoteReconnectMin = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest wait before dialling an agent on another machine again: 10 s.</summary>
    public static readonly TimeSpan RemoteReconnectMax = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Wait before an agent that speaks a dialect that is not spoken is dialled again: 30 s, because only another build of it helps, and each attempt is an
    /// error in its log.
    /// </summary>
    public static readonly TimeSpan IncompatiblePause = TimeSpan.FromSeconds(30);

    /// <summary>Attempts to reach an agent before it is reported unhealthy and its failure mode applies at once: 3, the protocol's own default.</summary>
    public const int UnhealthyAfter = 3;

    /// <summary>How often an idle connection is asked for a sign of life: 10 s, the protocol's own default.</summary>
    public static readonly TimeSpan HealthInterval = TimeSpan.FromSeconds(10);

    /// <summary>How long work under way may take when the daemon stops: 30 s, the protocol's own default.</summary>
    public static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Calls that may wait for an agent: 256, one connection's worth; what stands further back would not be served in time.</summary>
    public const int Queue = 256;

    /// <summary>How long a call waits for a slot: 10 ms, a small part of the phase; an agent that is busier than that is overloaded.</summary>
    public static readonly TimeSpan QueueWait = TimeSpan.FromMilliseconds(10);

    /// <summary>What happens while an agent asks to be sent nothing: what its failure mode says, closed unless the operator decides otherwise.</summary>
    public const FlowMode Flow = FlowMode.AsFailureMode;

    /// <summary>How long an event waits for a paused agent when it waits: 100 ms, the protocol's own default.</summary>
    public static readonly TimeSpan FlowWait = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How long a sticky session may be unused: 5 min, the protocol's own default; longer than the pauses of long polling and kept-alive sockets.
    /// </summary>
    public static readonly TimeSpan StickyTimeout = TimeSpan.FromMinutes(5);

    /// <summary>Sticky sessions of one agent: 50,000, as many as exchanges may be open; the one used longest ago makes room.</summary>
    public const int StickySessions = 50_000;

    /// <summary>Share of failed calls that opens an agent's circuit breaker, in percent: 50, an agent that fails every other call only costs time.</summary>
    public const int BreakerRate = 50;

    /// <summary>Calls before the breaker judges their rate: 100, so that a few failures after a quiet time open nothing.</summary>
    public const int BreakerCalls = 100;

    /// <summary>How far back the breaker looks: 10 s, longer than a restart and shorter than an outage.</summary>
    public static readonly TimeSpan BreakerWindow = TimeSpan.FromSeconds(10);

    /// <summary>Failures in a row that open the breaker: 0, never; a burst of 256 calls in flight fails in a row when one process dies.</summary>
    public const int BreakerFailures = 0;

    /// <summary>How long the breaker stays open: 2 s, as long as the longest wait before an agent is dialled again.</summary>
    public static readonly TimeSpan BreakerOpen = TimeSpan.FromSeconds(2);

    /// <summary>How a connection is chosen: filled before the next, because fuller connections make larger batches.</summary>
    public const SelectionStrategy Strategy = SelectionStrategy.FillThenSpread;

    /// <summary>When an exchange whose end nobody announced is forgotten: 30 s after its last event.</summary>
    public static readonly TimeSpan ExchangeExpiry = TimeSpan.FromSeconds(30);

    /// <summary>Registration of an agent that dials in, from the connect to the answer: 10 s, the protocol's own default.</summary>
    public static readonly TimeSpan RegistrationTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Connections that may be open on a reverse listener without having registered: 256, of which a user has at most half and a process a quarter,
    /// sixteen agents with four each that start together.
    /// </summary>
    public const int UnregisteredConnections = 256;

    /// <summary>Connections of one process that may be open without having registered: a quarter of all.</summary>
    public const int MaxUnregistered = UnregisteredConnections / 4;

    /// <summary>
    /// Attempts of one process to register within a second: 100, and twice as many of one user, so that many agents are back within seconds while a token
    /// cannot be guessed.
    /// </summary>
    public const int RegistrationsPerSecond = 100;

    /// <summary>Connections per agent: 4, so that one that dies or is slow is not the only one.</summary>
    public const int ConnectionsPerAgent = 4;

    /// <summary>Calls per connection: 256, beyond which a batch no longer grows; never above what the agent states.</summary>
    public const int CallsPerConnection = 256;

    /// <summary>
    /// How long a new connection may say nothing: 30 s. Proxies connect in order to ask; but some keep the connection that another overtook, unused,
    /// for a later question, and are not to find it closed at once.
    /// </summary>
    public static readonly TimeSpan SilenceTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Connections of an http listener: 4,096, 64 workers of a proxy with a pool of 64 each.</summary>
    public const int HttpConnections = 4096;

    /// <summary>Connections of scripts that ask in frames on one listener: 4,096, like HTTP.</summary>
    public const int FramesConnections = 4096;

    /// <summary>Connections of a native listener: 1,024; a proxy has a few for each of its workers.</summary>
    public const int NativeConnections = 1024;

    /// <summary>Connections of an admin listener: 64; those who read metrics and operators are few.</summary>
    public const int AdminConnections = 64;

    /// <summary>Connections of HAProxy on one listener: 1,024; it opens one per thread and 20 messages in flight.</summary>
    public const int SpopSessions = 1024;

    /// <summary>Prefix of the variables in HAProxy: <c>sc</c>, as the ready configuration has it; names are short of room (63 bytes).</summary>
    public const string SpopVariablePrefix = "sc";

    /// <summary>The largest frame agreed to with HAProxy: 1 MiB, 16 times its buffer of 64 KiB, the largest that is usual.</summary>
    public const int SpopMaxFrame = 1024 * 1024;

    /// <summary>Exchanges open at once: 50,000, what a busy proxy keeps open in half a minute of slow responses.</summary>
    public const int MaxExchanges = 50_000;

    /// <summary>Headers of one request: 500, above every proxy's own limit.</summary>
    public const int MaxHeaders = 500;

    /// <summary>Bytes of the headers of one request: 128 KiB, above every proxy's own limit.</summary>
    public const int MaxHeaderBytes = 128 * 1024;

    /// <summary>Largest body an agent is shown: 1 MiB, the protocol's own default; beyond it the agent's excess action applies.</summary>
    public const long MaxBodyBytes = 1024 * 1024;

    /// <summary>Largest body in one question of a script, however much an agent takes: 16 MiB; larger ones come in parts.</summary>
    public const int MaxQuestionBody = 16 * 1024 * 1024;

    /// <summary>Of the time that a filter of Envoy gives, agents may use 80 %: the rest is for the way back.</summary>
    public const double UsableTime = 0.8;

    /// <summary>The same where the filter fails open: 70 %, because a refusal that is late there lets the request pass.</summary>
    public const double UsableTimeFailingOpen = 0.7;

    /// <summary>Time for one message of Envoy where its filter fails open: 140 ms, its own 200 ms less 30 %.</summary>
    public static readonly TimeSpan EnvoyBudgetFailingOpen = TimeSpan.FromMilliseconds(140);

    /// <summary>Header fields with which Envoy takes a message: 100, its own default.</summary>
    public const int MaxEnvoyHeaders = 100;

    /// <summary>Longest message of Envoy: 4 MiB and 256 KiB, a body of four times Envoy's own buffer beside the largest headers.</summary>
    public const int MaxEnvoyMessage = (4 * 1024 * 1024) + MinEnvoyMessage;

    /// <summary>Smallest limit of a message of Envoy: 256 KiB, twice the headers that are inspected.</summary>
    public const int MinEnvoyMessage = 256 * 1024;

    /// <summary>Bytes of large messages of Envoy that are received and not answered yet, for each listener: 128 MiB, 30 of the longest.</summary>
    public const long MaxEnvoyMessages = 128 * 1024 * 1024;

    /// <summary>Connections of an envoy listener: 256, more than the worker threads of any Envoy, each of which has one or two.</summary>
    public const int MaxEnvoyConnections = 256;

    /// <summary>Bytes collected in hybrid mode before the first question: 64 KiB, the protocol's own default.</summary>
    public const int HybridThreshold = 64 * 1024;

    /// <summary>Bytes of bodies held at once by the whole daemon: 256 MiB, 256 of the largest bodies.</summary>
    public const long BodyMemory = 256 * 1024 * 1024;

    /// <summary>Bytes of bodies held at once for one agent: 128 MiB, half of all, so that one slow agent leaves memory to the others.</summary>
    public const long AgentBodyMemory = 128 * 1024 * 1024;

    /// <summary>Where the commands that ask a daemon look for its admin socket; the unit and the examples let it listen there.</summary>
    public const string AdminSocket = "/run/sidecar/admin.sock";

    /// <summary>First part of every metric's name.</summary>
    public const string MetricsPrefix = "sidecar";

    /// <summary>Access rights of listener sockets: 0660, the proxy's workers are in the socket's group.</summary>
    public const UnixFileMode SocketMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
}
