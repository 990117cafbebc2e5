using Sidecar.Protocol.Encodings;

namespace Sidecar.Daemon.Connections;

/// <summary>What kept a connection to an agent from being opened, as far as it makes a difference to those who dial.</summary>
internal enum DialProblem
{
    /// <summary>It may work at the next attempt.</summary>
    Unreachable = 0,

    /// <summary>The agent closed the connection without a word: agents of some dialects do that, and those that crash.</summary>
    ClosedSilently,

    /// <summary>The agent answered, in a dialect that is not spoken.</summary>
    OtherDialect,

    /// <summary>The agent refused its configuration.</summary>
    ConfigurationRefused,
}

/// <summary>Carries such a problem from where it is seen to those who dial, inside whatever exceptions lie between.</summary>
internal sealed class DialProblemException(DialProblem problem) : Exception($"{problem}")
{
    /// <summary>The problem.</summary>
    public DialProblem Problem => problem;

    /// <summary>An error of the protocol that is this problem.</summary>
    public static ProtocolException Error(DialProblem problem, string message) => new(message, new DialProblemException(problem));

    /// <summary>The problem that an exception is, or was caused by.</summary>
    public static DialProblem In(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is DialProblemException named)
            {
                return named.Problem;
            }
        }

        return DialProblem.Unreachable;
    }
}
