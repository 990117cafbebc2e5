using System.Reflection;

namespace Sidecar.Daemon.Configuration;

/// <summary>This daemon's version.</summary>
internal static class DaemonVersion
{
    /// <summary>As the build stamped it, without the commit.</summary>
    public static string Text { get; } =
        typeof(DaemonVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? "0";
}
