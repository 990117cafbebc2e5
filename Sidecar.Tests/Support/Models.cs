using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Routing;

namespace Sidecar.Tests.Support;

/// <summary>Models for inspectors that tests compose by hand.</summary>
internal static class Models
{
    /// <summary>A model of these routes that refuses what none takes.</summary>
    public static CurrentModel Of(IReadOnlyList<RouteModel> routes, ConfigurationSnapshot? configuration = null) => Of(new RouteTable(routes), configuration);

    /// <summary>A model of this table.</summary>
    public static CurrentModel Of(RouteTable routes, ConfigurationSnapshot? configuration = null) =>
        new(new RuntimeModel { Routes = routes, Configuration = configuration ?? new ConfigurationSnapshot() });
}
