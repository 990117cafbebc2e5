namespace Sidecar.Daemon.Cli.Admin;

/// <summary>A daemon could not be asked, or would not answer. The message is one line for the operator.</summary>
internal sealed class AdminException(string message, int exitCode, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What the command tells the shell.</summary>
    public int ExitCode => exitCode;
}
