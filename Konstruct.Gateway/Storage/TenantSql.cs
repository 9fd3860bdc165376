using System.Globalization;

namespace Konstruct.Gateway.Storage;

/// <summary>
/// The SQL that sets the tenant of a transaction, on which the policies of row level security depend. Nothing else in the gateway sets it.
/// The setting ends with its transaction.
/// </summary>
internal static class TenantSql
{
    /// <summary>Sets the tenant. The value becomes a parameter, so the text can stay prepared.</summary>
    public static FormattableString Set(Guid tenantId) => $"SELECT set_config('app.current_tenant', {tenantId.ToString("D")}, true)";

    /// <summary>Sets the tenant and the longest wait for a lock.</summary>
    public static FormattableString Set(Guid tenantId, TimeSpan longestLock) =>
        $"SELECT set_config('app.current_tenant', {tenantId.ToString("D")}, true), set_config('lock_timeout', {longestLock.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)}, true)";

    /// <summary>Sets the tenant, without parameters, for statements that run once. A UUID needs no escaping.</summary>
    public static string SetLiteral(Guid tenantId) => $"SELECT set_config('app.current_tenant', '{tenantId:D}', true)";
}
