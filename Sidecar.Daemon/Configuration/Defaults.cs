using System.Reflection;

namespace Sidecar.Daemon.Configuration;

/// <summary>
/// Fixed values that no setting changes, each with its reason. Those of settings are in <see cref="Settings.SettingsTable"/>.
/// </summary>
internal static class Defaults
{
    /// <summary>
    /// Wait before an agent that speaks a dialect that is not spoken is dialled again: 30 s, because only another build of it helps, and
    /// each attempt is an error in its log.
    /// </summary>
    public static readonly TimeSpan IncompatiblePause = TimeSpan.FromSeconds(30);

    /// <summary>Wait of a call for an agent that is not there: 10 ms, in which a local agent that has restarted is dialled again.</summary>
    public static readonly TimeSpan AbsentWait = TimeSpan.FromMilliseconds(10);

    /// <summary>Registration of an agent that dials in, from the connect to the answer: 10 s, the protocol's own default.</summary>
    public static readonly TimeSpan RegistrationTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Connections that may be open on a reverse listener without having registered: 256, of which a user has at most half and a process a
    /// quarter, sixteen agents with four each that start together.
    /// </summary>
    public const int UnregisteredConnections = 256;

    /// <summary>Connections of one process that may be open without having registered: a quarter of all.</summary>
    public const int MaxUnregistered = UnregisteredConnections / 4;

    /// <summary>
    /// Attempts of one process to register within a second: 100, and twice as many of one user, so that many agents are back within seconds
    /// while a token cannot be guessed.
    /// </summary>
    public const int RegistrationsPerSecond = 100;

    /// <summary>
    /// How long a new connection may say nothing: 30 s. Proxies connect in order to ask; but some keep the connection that another
    /// overtook, unused, for a later question, and are not to find it closed at once.
    /// </summary>
    public static readonly TimeSpan SilenceTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Headers of one request: 500, above every proxy's own limit.</summary>
    public const int MaxHeaders = 500;

    /// <summary>Bytes of the headers of one request: 128 KiB, above every proxy's own limit.</summary>
    public const int MaxHeaderBytes = 128 * 1024;

    /// <summary>Largest body in one question of a script, however much an agent takes: 16 MiB; larger ones come in parts.</summary>
    public const int MaxQuestionBody = 16 * 1024 * 1024;

    /// <summary>Of the time that a filter of Envoy gives, agents may use 80 %: the rest is for the way back.</summary>
    public const double UsableTime = 0.8;

    /// <summary>The same where the filter fails open: 70 %, because a refusal that is late there lets the request pass.</summary>
    public const double UsableTimeFailingOpen = 0.7;

    /// <summary>Smallest limit of a message of Envoy: 256 KiB, twice the headers that are inspected.</summary>
    public const int MinEnvoyMessage = 256 * 1024;

    /// <summary>
    /// Bytes of large messages of Envoy that are received and not answered yet, for each listener: 128 MiB, 30 of the longest.
    /// </summary>
    public const long MaxEnvoyMessages = 128 * 1024 * 1024;

    /// <summary>Where the commands that ask a daemon look for its admin socket; the unit and the examples let it listen there.</summary>
    public const string AdminSocket = "/run/sidecar/admin.sock";
}

/// <summary>This daemon's version.</summary>
internal static class DaemonVersion
{
    /// <summary>As the build stamped it, without the commit.</summary>
    public static string Text { get; } =
        typeof(DaemonVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? "0";
}
