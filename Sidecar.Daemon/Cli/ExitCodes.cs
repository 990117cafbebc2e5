namespace Sidecar.Daemon.Cli;

/// <summary>What the command tells the shell.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int WrongUse = 2;
    public const int DaemonNotRunning = 3;
    public const int NoSuchObject = 4;
}
