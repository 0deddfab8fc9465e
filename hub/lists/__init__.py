"""Lists of the policy documents in service 清单: powers that are suspended, and lists as the sub-site has them online."""
